import { equalBytes, hex, sha256 } from '../call/sha256.ts';
import type { Compromised } from '../verify/last-trusted.ts';
import type { Place } from '../verify/log-entry.ts';
import type { SignedHead } from './audit-head.ts';
import type { AuditTree } from './audit-tree.ts';
import type { Faults } from './faults.ts';

/** An exported log, held against what its operator declared of keys that somebody else may hold. */
export interface CompromiseAudit {
  /**
   * Where an entry is to be verified: an entry that the last trusted head of the log's own key has is proven by that head, which
   * `finish` finds in the tree. Every other one is proven by the head of the export alone.
   */
  placeOf(place: Place): Place;
  /** Once the tree is whole, and before what was put off is resolved: it must have been every declared tree. */
  finish(tree: AuditTree): void;
}

export function watchCompromised(
  compromised: Compromised | undefined,
  { log }: SignedHead,
  faults: Faults,
): CompromiseAudit {
  const heads = (compromised?.keys ?? []).filter(({ lastTrusted }) => lastTrusted.origin === log.origin);
  const digest = hex(sha256(log.key.spki));
  const own = heads.find((key) => key.purpose === 'log' && key.sha256 === digest)?.lastTrusted;
  return {
    placeOf(place) {
      if (own === undefined || place.index >= own.treeSize) return place;
      return { ...place, treeSize: own.treeSize, rootHash: own.rootHash };
    },
    finish(tree) {
      for (const [i, { lastTrusted }] of heads.entries()) {
        const { treeSize: size, rootHash: root } = lastTrusted;
        const isRepeated = heads
          .slice(0, i)
          .some(({ lastTrusted: other }) => other.treeSize === size && equalBytes(other.rootHash, root));
        if (isRepeated) continue;
        const message =
          `The log never had the tree of ${size} entries with the root ${hex(root)}, which was declared as the last ` +
          'that is trusted: what is here was made with a stolen key, or the declaration is of another log.';
        tree.check({ size, root }, () => faults.add({ code: 'LOG_FORKED', message }));
      }
    },
  };
}
