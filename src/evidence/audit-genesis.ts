import type { Json } from '../call/json.ts';
import { fromHex, hex } from '../call/sha256.ts';
import type { VerifiedEntry } from '../verify/entry.ts';
import type { Log } from '../verify/trust.ts';
import type { Faults } from './faults.ts';
import { objectOr } from './object-or.ts';
import type { TreeHead } from './prefix.ts';

/** The last trusted head of the log that this one goes on from. */
export type Predecessor = TreeHead & { readonly origin: string };

/**
 * A log opens by saying which one it is, by a key that the trust root has for it, once. Returns the predecessor that its first
 * entry cites.
 */
export function requireGenesis(
  { statement, place }: VerifiedEntry,
  logs: readonly Log[],
  faults: Faults,
): Predecessor | undefined {
  const { index } = place;
  const wrong = (message: string): void => faults.add({ code: 'GENESIS_WRONG', index, message });
  if (index > 0) {
    if (statement.kind === 'logOpen') wrong('A log opens once.');
    return undefined;
  }
  const { origin, keyId, predecessor } = objectOr(statement.predicate['log']);
  const own = logs.some((log) => log.origin === place.log.origin && hex(log.keyId) === keyId);
  if (statement.kind !== 'logOpen' || origin !== place.log.origin || !own) {
    wrong('The first entry does not open this log.');
    return undefined;
  }
  if (predecessor === undefined) return undefined;
  const cited = readPredecessor(predecessor);
  if (cited === undefined) wrong('It goes on from something that is no tree head.');
  else if (cited.origin === origin) wrong('It goes on from itself.');
  return cited;
}

function readPredecessor(value: Json): Predecessor | undefined {
  const { origin, treeSize, rootHash } = objectOr(value);
  const root = typeof rootHash === 'string' ? fromHex(rootHash) : undefined;
  if (typeof origin !== 'string' || typeof treeSize !== 'number' || !Number.isSafeInteger(treeSize)) {
    return undefined;
  }
  return root?.length === 32 && treeSize >= 0 ? { origin, size: treeSize, root } : undefined;
}
