import { equalBytes, hex } from '../call/sha256.ts';
import { CountersignError } from '../errors.ts';
import { emptyEdge, rootOf } from '../tlog/tree.ts';
import type { TreeEdge } from '../tlog/tree.ts';
import type { SignedHead } from './audit-head.ts';
import type { Fault, Faults } from './faults.ts';
import { showPrefix } from './prefix.ts';
import type { TileSource } from './tile-source.ts';

/**
 * The tree that the auditor saw last, which the log must continue: its edge, read from the tiles and proved under the new head.
 * Undefined, with the fault, when the log does not continue it or cannot show it; what stands behind is then not replayed.
 * CONFIG_INVALID for a head of another log.
 */
export async function startBehind(
  source: TileSource,
  since: SignedHead,
  head: SignedHead,
  faults: Faults,
): Promise<TreeEdge | undefined> {
  const { origin, size, root } = since.checkpoint;
  const newer = head.checkpoint;
  if (origin !== newer.origin) {
    throw new CountersignError('CONFIG_INVALID', `The earlier audit was of another log, ${origin}.`);
  }
  if (size === 0) return emptyEdge;
  if (size > newer.size) {
    faults.add(shorter(newer.size, size, 'the earlier audit'));
    return undefined;
  }
  const tree = await showPrefix(source, size, newer);
  if (!tree.shown) {
    faults.add(tree.fault);
    return undefined;
  }
  const now = rootOf(tree.edge);
  if (equalBytes(now, root)) return tree.edge;
  faults.add(forked(size, root, now, 'the earlier audit'));
  return undefined;
}

/** `who`: a subject that has seen the head, for the sentence. */
export function shorter(now: number, held: number, who: string): Fault {
  return {
    code: 'LOG_SHORTER',
    message: `The log shows ${now} entries, and signed a head of ${held}, which ${who} has.`,
  };
}

/** `now`: the root that the log has at this size today, where it is known. */
export function forked(size: number, held: Uint8Array, now: Uint8Array | undefined, who: string): Fault {
  const today = now === undefined ? 'has another root' : `has the root ${hex(now)}`;
  const message =
    `With ${size} entries the log ${today}; it signed ${hex(held)}, which ${who} has. ` +
    'The two signed heads prove the fork: keep them.';
  return { code: 'LOG_FORKED', message };
}
