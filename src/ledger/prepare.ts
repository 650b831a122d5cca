import { CountersignError } from '../errors.ts';
import { leafHash } from '../tlog/merkle.ts';
import type { EntryDraft } from './ledger.ts';
import { maxSideRows } from './store.ts';

/** A draft that is fit to be stored, with what can be computed before the lock is taken. */
export interface Prepared {
  readonly draft: EntryDraft;
  readonly leafHash: Uint8Array;
}

/** Refuses what no store could keep, so that one draft never takes the others of its batch down. */
export function prepare(draft: EntryDraft): Prepared {
  const flaw = flawOf(draft);
  if (flaw !== null) throw new CountersignError('INTERNAL', flaw);
  if (!permitFitsKind(draft)) {
    throw new CountersignError(
      'PERMIT_INVALID',
      'Only a verdict that lets run opens a permit, and an outcome closes it.',
    );
  }
  return { draft, leafHash: leafHash(draft.signed.leaf) };
}

function flawOf({ callId, time, permit, side, signed }: EntryDraft): string | null {
  if (!Number.isSafeInteger(time)) return 'A statement states its time in whole milliseconds.';
  if (permit?.action === 'open' && !Number.isSafeInteger(permit.notAfter))
    return 'A permit ends at a whole millisecond.';
  if (permit !== undefined && callId === undefined) return 'A permit belongs to a call.';
  if (side.length > 0 && callId === undefined) return 'What opens a commitment belongs to a call.';
  if (side.length > maxSideRows) return `An entry has at most ${maxSideRows} openings.`;
  if (new Set(side.map(({ name }) => name)).size < side.length)
    return 'The openings of an entry have different names.';
  return signed.leaf.length === 0 ? 'A leaf is not empty.' : null;
}

/** One outcome a permit: an outcome that closes none would be a second one. */
function permitFitsKind({ permit, signed: { kind } }: EntryDraft): boolean {
  if (permit?.action === 'open') return kind === 'allow' || kind === 'shadow';
  return (permit?.action === 'close') === (kind === 'outcome');
}
