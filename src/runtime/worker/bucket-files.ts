import { equalBytes } from '../../call/sha256.ts';
import { CountersignError } from '../../errors.ts';
import { checkpointPath, trustRootPath, type TileSink } from '../../evidence/tile-source.ts';
import type { ObjectStorage } from '../../ledger/store-durable-object-sql.ts';
import type { Bucket } from './platform.ts';

export interface BucketFilesOptions {
  readonly bucket: Bucket;
  readonly storage: ObjectStorage;
}

const table = 'CREATE TABLE IF NOT EXISTS published_files (path TEXT PRIMARY KEY) STRICT, WITHOUT ROWID';

/**
 * The files of an export in a bucket. A tile is never overwritten: one that is there with other bytes is LOG_FORKED. The checkpoint
 * replaces what was read before it, and nothing else.
 *
 * The object remembers what it has put since the last checkpoint, so that a run that ends in the middle (a run has a bounded number
 * of requests) is gone on with, and not begun again.
 */
export function bucketFiles({ bucket, storage: { sql } }: BucketFilesOptions): TileSink {
  sql.exec(table);
  /** Of the checkpoint as it was read last. */
  let standing: string | null = null;
  let trustRoot: Uint8Array | undefined;

  const isPut = (path: string): boolean =>
    sql.exec('SELECT path FROM published_files WHERE path = ?', path).toArray().length > 0;

  const writeTile = async (path: string, bytes: Uint8Array): Promise<void> => {
    if (isPut(path)) return;
    const put = await bucket.put(path, bytes, { onlyIf: { etagDoesNotMatch: '*' } });
    if (put === null) {
      // From a run whose answer was lost, or from somebody else.
      const there = await bucket.get(path);
      if (there === null || !equalBytes(new Uint8Array(await there.arrayBuffer()), bytes))
        throw new CountersignError('LOG_FORKED', `The bucket holds another ${path} than this log has.`);
    }
    sql.exec('INSERT OR IGNORE INTO published_files (path) VALUES (?)', path);
  };

  const writeCheckpoint = async (bytes: Uint8Array): Promise<void> => {
    const onlyIf = standing === null ? { etagDoesNotMatch: '*' } : { etagMatches: standing };
    const put = await bucket.put(checkpointPath, bytes, { onlyIf });
    // Whose it is that stands there now, the next run finds out.
    if (put === null)
      throw new CountersignError(
        'LEDGER_UNAVAILABLE',
        'The checkpoint in the bucket changed while it was replaced.',
      );
    standing = put.etag;
    sql.exec('DELETE FROM published_files');
  };

  return {
    async read(path, most) {
      const found = await bucket.get(path);
      if (path === checkpointPath) standing = found?.etag ?? null;
      if (found === null) return undefined;
      const bytes = new Uint8Array(await found.arrayBuffer());
      if (bytes.length <= most) return bytes;
      throw new CountersignError('EXPORT_UNREADABLE', `${path} in the bucket has more than ${most} bytes.`);
    },
    async write(path, bytes) {
      if (path === checkpointPath) return writeCheckpoint(bytes);
      if (path !== trustRootPath) return writeTile(path, bytes);
      if (trustRoot !== undefined && equalBytes(trustRoot, bytes)) return;
      await bucket.put(path, bytes, {});
      trustRoot = bytes;
    },
    async removePartials(path) {
      const { objects } = await bucket.list({ prefix: `${path}.p/` });
      if (objects.length > 0) await bucket.delete(objects.map(({ key }) => key));
    },
  };
}
