/**
 * A gate's share of the ledger, in a process of its own: appends drafts and prints a line a proof that it was given, so that
 * a test can kill it at any moment and know what had been released. Arguments: JSON of `WriterJob`.
 */
import { isAlive, claimInstance } from '../../src/ledger/instances-node.ts';
import { openReleasedCheckpoints } from '../../src/ledger/released-checkpoint-node.ts';
import { draftOf } from './drafts.ts';
import { logOfPkcs8 } from './log-key.ts';
import { openSqliteLog } from './sqlite-log.ts';

export interface WriterJob {
  readonly path: string;
  readonly instances: string;
  readonly released: string;
  readonly origin: string;
  readonly pkcs8: string;
  /** Drafts to append, and how many at once. */
  readonly count: number;
  readonly inFlight: number;
}

/** One released proof, as printed. */
export interface Released {
  readonly leaf: string;
  readonly logIndex: number;
  readonly treeSize: number;
  readonly root: string;
}

const job: WriterJob = JSON.parse(process.argv[2] ?? '');
const instance = claimInstance(job.instances);
const released = openReleasedCheckpoints({
  directory: job.released,
  instance: instance.id,
  isAlive: (id) => isAlive(job.instances, id),
});
const log = logOfPkcs8(job.pkcs8, job.origin);
const { ledger } = await openSqliteLog(job.path, log, { released, checkpointAfter: 128 * 1024 });

let left = job.count;
const writer = async (): Promise<void> => {
  while (left-- > 0) {
    const draft = draftOf({ time: Date.now() });
    const { logIndex, treeSize, rootHash } = await ledger.append(draft);
    const line: Released = {
      leaf: Buffer.from(draft.signed.leaf).toString('hex'),
      logIndex,
      treeSize,
      root: Buffer.from(rootHash).toString('hex'),
    };
    process.stdout.write(`${JSON.stringify(line)}\n`);
  }
};
await Promise.all(Array.from({ length: job.inFlight }, writer));
await ledger.close();
released.close();
instance.release();
