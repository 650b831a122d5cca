import { fromUtf8 } from '../../call/sha256.ts';
import { CountersignError } from '../../errors.ts';
import { exportLog } from '../../evidence/export.ts';
import { checkpointPath, fileLimits } from '../../evidence/tile-source.ts';
import type { Ledger } from '../../ledger/ledger.ts';
import type { ReleasedCheckpoint } from '../../ledger/released-checkpoint.ts';
import { openCheckpoint } from '../../tlog/checkpoint.ts';
import type { VerifierKey } from '../../tlog/vkey.ts';
import { bucketFiles, type BucketFilesOptions } from './bucket-files.ts';

/**
 * The copy of a log in a bucket: an export like any other (C2SP tlog-tiles, with the statements beside it), extended again and
 * again. The object's own SQLite stays the truth. The Worker serves what is public of it; whoever has the bucket can audit all.
 *
 * It is also what is remembered outside of the object: a head that stands in the bucket was shown.
 */
export interface PublicCopy {
  /** The head that stands there: the log must continue it. EXPORT_FOREIGN when it is another log's. */
  released(): Promise<readonly ReleasedCheckpoint[]>;
  /**
   * Brings it up to the newest head. May be asked at any time, and again after any failure. Rejects with one of `contradictions` when
   * the bucket holds what this log never wrote.
   */
  publish(ledger: Ledger): Promise<void>;
}

/** Another object signs with this log's key, or this one was set back, or somebody else writes into the bucket. */
export const contradictions: ReadonlySet<string> = new Set([
  'LOG_FORKED',
  'LEDGER_ROLLED_BACK',
  'EXPORT_FOREIGN',
  'EXPORT_DAMAGED',
]);

export interface PublicCopyOptions extends BucketFilesOptions {
  readonly key: VerifierKey;
  readonly trustedRoot: Uint8Array;
}

export function openPublicCopy({ key, trustedRoot, ...options }: PublicCopyOptions): PublicCopy {
  const files = bucketFiles(options);
  let published = 0;
  let running: Promise<void> | undefined;

  const publish = async (ledger: Ledger): Promise<void> => {
    const newest = await ledger.checkpoint();
    if (newest === null || newest.size === published) return;
    const { size } = await exportLog(ledger, files, { logKeys: [key], trustedRoot });
    published = size;
  };

  return {
    async released() {
      const bytes = await files.read(checkpointPath, fileLimits.checkpoint);
      if (bytes === undefined) return [];
      const checkpoint = openCheckpoint(fromUtf8(bytes) ?? '', key);
      if (checkpoint === undefined)
        throw new CountersignError(
          'EXPORT_FOREIGN',
          'The bucket holds a checkpoint that this log did not sign.',
        );
      return [{ size: checkpoint.size, root: checkpoint.root }];
    },
    publish(ledger) {
      running ??= publish(ledger).finally(() => {
        running = undefined;
      });
      return running;
    },
  };
}
