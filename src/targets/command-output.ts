import { createHash } from 'node:crypto';
import type { Readable, Writable } from 'node:stream';

/** What was passed on of one of a child's outputs. */
export interface OutputDigest {
  readonly bytes: number;
  /** Hex. */
  readonly sha256: string;
  /** Only where it is so: it was not heard to its end. */
  readonly complete?: false;
}

export interface CommandOutput {
  /** Once it has ended, or was left. Never rejects. */
  readonly ended: Promise<OutputDigest>;
  /** Counts what has come, and how often: whoever sees it stand still, and not `isBlocked`, sees nobody write. */
  readonly progress: number;
  /** Whether our own reader keeps it waiting. */
  readonly isBlocked: boolean;
  /** Hears no more of it. */
  leave(): void;
}

/** Passes on what comes, as it comes, and no faster than it is read; a broken reader breaks the child's pipe, as without us. */
export function passOn(from: Readable, to: Writable): CommandOutput {
  const hash = createHash('sha256');
  let bytes = 0;
  let isBlocked = false;
  let isWhole = false;

  const resume = (): void => {
    isBlocked = false;
    from.resume();
  };
  const leave = (): void => void from.destroy();
  from.on('data', (chunk: Buffer) => {
    hash.update(chunk);
    bytes += chunk.length;
    if (to.write(chunk)) return;
    isBlocked = true;
    from.pause();
  });
  from.once('end', () => (isWhole = true));
  from.on('error', () => undefined);
  to.on('drain', resume);
  to.on('error', leave);
  const ended = new Promise<OutputDigest>((resolve) => {
    from.once('close', () => {
      isBlocked = false;
      to.off('drain', resume);
      resolve({ bytes, sha256: hash.digest('hex'), ...(!isWhole && { complete: false }) });
    });
  });
  return {
    ended,
    leave,
    get progress() {
      return bytes;
    },
    get isBlocked() {
      return isBlocked;
    },
  };
}
