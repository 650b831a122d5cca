import { refusals as refusalsStatement } from '../envelope/statements.ts';
import type { ReasonCode } from '../names.ts';
import { notarise } from './notary.ts';
import type { NotaryParts } from './parts.ts';

/** Counts what was refused before anybody was authenticated: signed in sums, as a flood would fill the log. */
export interface Refusals {
  count(code: ReasonCode): void;
  /** Signs and logs what has been counted since the last time. A failure keeps the counts. */
  flush(): Promise<void>;
}

const flushAfterMs = 60_000;

export function createRefusals(parts: NotaryParts & { readonly mode: 'same-user' | 'isolated' }): Refusals {
  let counts = new Map<ReasonCode, number>();
  let since = 0;

  const flush = async (): Promise<void> => {
    if (counts.size === 0) return;
    const taken = counts;
    counts = new Map();
    const time = parts.clock.now();
    try {
      const statement = refusalsStatement({
        mode: parts.mode,
        since,
        until: time,
        counts: Object.fromEntries(taken),
      });
      const signed = await notarise(parts, 'refusals', statement, time);
      await parts.ledger.append({ ...signed, time, expects: [], sets: [], side: [] });
    } catch (error) {
      for (const [code, count] of taken) counts.set(code, (counts.get(code) ?? 0) + count);
      throw error;
    }
  };

  return {
    count(code) {
      const now = parts.clock.now();
      if (counts.size === 0) since = now;
      counts.set(code, (counts.get(code) ?? 0) + 1);
      // The next refusal, or the end of the gate, tries again what could not be written.
      if (now - since >= flushAfterMs) flush().catch(() => undefined);
    },
    flush,
  };
}
