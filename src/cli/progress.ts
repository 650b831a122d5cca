import type { Io } from './io.ts';

/** A line on a terminal that says how far something is; elsewhere nothing. */
export interface Progress {
  readonly show: (done: number, total: number) => void;
  /** Clears the line. */
  readonly end: () => void;
}

const everyMs = 100;

export function progressOn({ stderr }: Pick<Io, 'stderr'>, verb: string, what = 'entries'): Progress {
  if (stderr.isTTY !== true) return { show: () => undefined, end: () => undefined };
  const started = performance.now();
  let shown = 0;
  return {
    show(done, total) {
      const now = performance.now();
      if (now - shown < everyMs) return;
      shown = now;
      const perSecond = Math.round((done / (now - started)) * 1_000);
      stderr.write(`\r\u001b[K${done} of ${total} ${what} ${verb}, ${perSecond} a second`);
    },
    end: () => {
      if (shown > 0) stderr.write('\r\u001b[K');
    },
  };
}
