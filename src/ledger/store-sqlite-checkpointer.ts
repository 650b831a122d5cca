import { Worker } from 'node:worker_threads';
// Also what makes the compiler emit the thread's file, which is otherwise named only at run time.
import type { CheckpointerRequest } from './store-sqlite-checkpointer-worker.ts';

/**
 * Folds the WAL into the ledger file off the path of a call: in a thread of its own, since that takes several fsyncs. Every
 * process counts what it writes itself, so the WAL stays within the processes' bounds together.
 */
export interface Checkpointer {
  /** Tells about bytes that this process added to the WAL. */
  wrote(bytes: number): void;
  /** Resolves when the thread, if there was one, has let go of the file. */
  stop(): Promise<void>;
}

/** The thread's file, in whichever form this one runs. */
const workerFile = import.meta.url.endsWith('.ts')
  ? './store-sqlite-checkpointer-worker.ts'
  : './store-sqlite-checkpointer-worker.js';

export function startCheckpointer(path: string, after: number): Checkpointer {
  let worker: Worker | null = null;
  let pending = 0;

  const ask = (request: CheckpointerRequest): void => worker?.postMessage(request);

  const start = (): Worker => {
    const started = new Worker(new URL(workerFile, import.meta.url), { workerData: path });
    // The thread never keeps the process alive, and its failure is not the ledger's: the WAL only stays longer.
    started.unref();
    started.on('error', () => undefined);
    started.once('exit', () => {
      if (worker === started) worker = null;
    });
    return started;
  };

  return {
    wrote(bytes) {
      pending += bytes;
      if (pending < after) return;
      pending = 0;
      // Most processes end before they need the thread.
      worker ??= start();
      ask('checkpoint');
    },
    async stop() {
      const stopping = worker;
      if (stopping === null) return;
      const ended = new Promise((resolve) => stopping.once('exit', resolve));
      stopping.ref();
      ask('stop');
      await ended;
    },
  };
}
