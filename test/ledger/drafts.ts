import { createHash, randomBytes, randomUUID } from 'node:crypto';
import type { EntryDraft } from '../../src/ledger/ledger.ts';
import type { StatementKind } from '../../src/names.ts';

/** Any time after the tests' logs were opened; every draft states it unless a test is about clocks. */
export const noon = 1_800_000_000_000;

export function randomCallId(): string {
  return randomUUID();
}

/** A draft of random bytes, of a kind that is about no permit. */
export function draftOf(change: Partial<EntryDraft> & { readonly kind?: StatementKind } = {}): EntryDraft {
  const { kind = 'change', ...fields } = change;
  const payload = Uint8Array.from(randomBytes(64));
  return {
    signed: {
      kind,
      payload,
      paeSha256: Uint8Array.from(createHash('sha256').update(payload).digest()),
      signature: Uint8Array.from(randomBytes(70)),
      timestamp: Uint8Array.from(randomBytes(32)),
      leaf: Uint8Array.from(randomBytes(96)),
    },
    time: noon,
    expects: [],
    sets: [],
    side: [],
    ...fields,
  };
}

/** A verdict that opens a permit, and the outcome that closes it. */
export function allowOf(callId: string, change: Partial<EntryDraft> = {}): EntryDraft {
  const permit = { action: 'open', instance: 'gate-1', notAfter: noon + 60_000 } as const;
  return draftOf({ kind: 'allow', callId, permit, ...change });
}

export function outcomeOf(callId: string, change: Partial<EntryDraft> = {}): EntryDraft {
  return draftOf({ kind: 'outcome', callId, permit: { action: 'close' }, ...change });
}
