import { DatabaseSync } from 'node:sqlite';
import { parentPort, workerData } from 'node:worker_threads';

/** What the thread is asked for. */
export type CheckpointerRequest = 'checkpoint' | 'stop';

/** Milliseconds that the thread waits for a writer or a reader that is in its way. */
const timeout = 1_000;

const db = new DatabaseSync(String(workerData), { timeout });
db.exec(
  'PRAGMA synchronous = FULL; PRAGMA fullfsync = ON; PRAGMA checkpoint_fullfsync = ON; PRAGMA wal_autocheckpoint = 0;',
);

parentPort?.on('message', (request: CheckpointerRequest) => {
  if (request === 'stop') {
    db.close();
    parentPort?.close();
    return;
  }
  // The first moves nearly all of it and holds nobody up. The second holds writers for the little that came since, so that
  // the next one starts the WAL anew: under steady load a passive checkpoint alone never catches up, and the WAL grows.
  for (const mode of ['PASSIVE', 'RESTART']) {
    try {
      db.exec(`PRAGMA wal_checkpoint(${mode})`);
    } catch {
      // A full disk or a busy ledger: the WAL stays as it is until the next request, and nothing is lost.
      return;
    }
  }
});
