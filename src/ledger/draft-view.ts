import { CountersignError } from '../errors.ts';
import type { EntryDraft, OpenPermit } from './ledger.ts';
import { isVerdictKind } from './store.ts';
import type { Snapshot } from './store.ts';

/** The log's state as the next draft of a batch sees it: what was read, and on top what earlier drafts change. */
export interface DraftView {
  /** Why the draft does not hold, or null. */
  refusal(draft: EntryDraft): CountersignError | null;
  /** Takes over what a draft that holds changes. `index` is where its entry will be. */
  apply(draft: EntryDraft, index: number): void;
  lastTime(): number;
  /** The heads that changed; null for one that is removed. */
  heads(): ReadonlyMap<string, string | null>;
  /** The permits that are to be opened, or, null, closed. */
  permits(): ReadonlyMap<string, OpenPermit | null>;
}

export function draftView(snapshot: Snapshot, clockTolerance: number): DraftView {
  let lastTime = snapshot.head.lastTime;
  const heads = new Map<string, string | null>();
  const permits = new Map<string, OpenPermit | null>();
  const verdicts = new Set(snapshot.verdicts);

  const headOf = (key: string): string | null =>
    heads.has(key) ? (heads.get(key) ?? null) : (snapshot.heads.get(key) ?? null);
  const permitOf = (callId: string): OpenPermit | null =>
    permits.has(callId) ? (permits.get(callId) ?? null) : (snapshot.permits.get(callId) ?? null);

  const permitRefusal = ({ callId, permit, signed }: EntryDraft): CountersignError | null => {
    if (callId === undefined) return null;
    if (isVerdictKind(signed.kind) && verdicts.has(callId))
      return permitInvalid('The call has a verdict already.');
    if (permit?.action === 'close' && permitOf(callId) === null)
      return permitInvalid('The permit of the call is not open: it was settled before, or never given.');
    return null;
  };

  return {
    refusal(draft) {
      if (draft.time < lastTime - clockTolerance)
        return new CountersignError('CLOCK_BEHIND', 'The clock is behind the last time in the ledger.');
      if (draft.expects.some(({ key, value }) => headOf(key) !== value))
        return new CountersignError('LEDGER_CONFLICT', 'What the decision had read has changed since.');
      return permitRefusal(draft);
    },
    apply({ callId, permit, signed, sets, time }, index) {
      lastTime = Math.max(lastTime, time);
      for (const { key, value } of sets) heads.set(key, value);
      if (callId === undefined) return;
      if (isVerdictKind(signed.kind)) verdicts.add(callId);
      if (permit?.action === 'open')
        permits.set(callId, {
          callId,
          instance: permit.instance,
          notAfter: permit.notAfter,
          logIndex: index,
        });
      if (permit?.action === 'close') {
        // One that this very batch opened never reaches the store.
        if (snapshot.permits.has(callId)) permits.set(callId, null);
        else permits.delete(callId);
      }
    },
    lastTime: () => lastTime,
    heads: () => heads,
    permits: () => permits,
  };
}

function permitInvalid(message: string): CountersignError {
  return new CountersignError('PERMIT_INVALID', message);
}
