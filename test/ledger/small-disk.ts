import { spawnSync } from 'node:child_process';
import { removeDirectory, temporaryDirectory } from './temporary-directory.ts';

/** A file system of its own, which a test can fill or make read-only. */
export interface SmallDisk {
  readonly directory: string;
  makeReadOnly(): void;
  remove(): void;
}

/** Null where mounting is not permitted: tests that need it are then skipped, visibly. */
export function mountSmallDisk(megabytes: number): SmallDisk | null {
  if (process.platform !== 'linux') return null;
  const directory = temporaryDirectory();
  const mount = (...words: string[]): boolean => spawnSync('mount', words).status === 0;
  if (!mount('-t', 'tmpfs', '-o', `size=${megabytes}m`, 'tmpfs', directory)) {
    removeDirectory(directory);
    return null;
  }
  return {
    directory,
    makeReadOnly: () => void mount('-o', 'remount,ro', directory),
    remove() {
      spawnSync('umount', ['-l', directory]);
      removeDirectory(directory);
    },
  };
}

export function canMount(): boolean {
  const disk = mountSmallDisk(1);
  disk?.remove();
  return disk !== null;
}
