import { randomFillSync } from 'node:crypto';
import {
  closeSync,
  existsSync,
  fsyncSync,
  openSync,
  renameSync,
  rmSync,
  statfsSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import type { Ballast } from './ballast.ts';

/** Room for a few hundred outcomes, at 10 to 30 KB of WAL each. */
const defaultBytes = 8 * 1_048_576;

/** Milliseconds between two tries to hold the space again. */
const restoreEvery = 1_000;

/**
 * A file of random bytes next to the ledger: really written, since holes and runs of zeroes may take no space. All processes of
 * the ledger share it; whether it exists is what they know of each other's need.
 */
export function ballastFile(path: string, bytes = defaultBytes): Ballast {
  let nextTry = 0;
  return {
    held: () => existsSync(path),
    release: () => rmSync(path, { force: true }),
    restore() {
      const now = performance.now();
      if (now < nextTry) return false;
      nextTry = now + restoreEvery;
      return hasRoom(dirname(path), bytes) && fill(path, bytes);
    },
  };
}

/** Twice the ballast: making it must not take the space that an outcome needs right now. */
function hasRoom(directory: string, bytes: number): boolean {
  try {
    const { bavail, bsize } = statfsSync(directory);
    return bavail * bsize >= 2 * bytes;
  } catch {
    return false;
  }
}

function fill(path: string, bytes: number): boolean {
  const draft = `${path}.${process.pid}.new`;
  try {
    const handle = openSync(draft, 'w', 0o600);
    try {
      const block = randomFillSync(new Uint8Array(1_048_576));
      for (let left = bytes; left > 0; left -= block.length)
        writeSync(handle, block, 0, Math.min(left, block.length));
      fsyncSync(handle);
    } finally {
      closeSync(handle);
    }
    renameSync(draft, path);
    return true;
  } catch {
    rmSync(draft, { force: true });
    return false;
  }
}
