import { randomUUID } from 'node:crypto';
import { mkdir, open, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { CountersignError, systemCode } from '../../errors.ts';
import type { TileSink, TileSource } from '../../evidence/tile-source.ts';

/** An exported log in a folder. */
export function readTileFiles(directory: string): TileSource {
  return { read: (path, most) => readFile(directory, path, most) };
}

/** A folder that is exported to; it is made with the first file. */
export function writeTileFiles(directory: string): TileSink {
  return {
    ...readTileFiles(directory),
    write: (path, bytes) =>
      guarded(directory, path, 'written', () => writeFile(join(directory, path), bytes)),
    removePartials: (path) =>
      guarded(directory, path, 'removed', () =>
        rm(join(directory, `${path}.p`), { recursive: true, force: true }),
      ),
  };
}

function readFile(directory: string, path: string, most: number): Promise<Uint8Array | undefined> {
  const file = join(directory, path);
  return guarded(directory, path, 'read', async () => {
    // Looked at before it is opened: a pipe of that name would make the reader wait for ever.
    const found = await stat(file).catch(undefinedIfMissing);
    if (found === undefined) return undefined;
    if (!found.isFile() || found.size > most) {
      throw new CountersignError('EXPORT_UNREADABLE', `${file} is no file of at most ${most} bytes.`);
    }
    const handle = await open(file, 'r');
    try {
      return Uint8Array.from(await handle.readFile());
    } finally {
      await handle.close();
    }
  });
}

/** Written beside its place, synced, and then named: a reader sees the old file or the new one, whole. */
async function writeFile(file: string, bytes: Uint8Array): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  const draft = `${file}.${randomUUID()}.tmp`;
  try {
    const handle = await open(draft, 'wx');
    try {
      await handle.writeFile(bytes);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(draft, file);
  } catch (error) {
    await rm(draft, { force: true });
    throw error;
  }
}

async function guarded<T>(directory: string, path: string, done: string, act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    if (error instanceof CountersignError) throw error;
    const why = systemCode(error);
    throw new CountersignError('EXPORT_UNREADABLE', `${join(directory, path)} cannot be ${done} (${why}).`, {
      cause: error,
    });
  }
}

function undefinedIfMissing(error: unknown): undefined {
  const code = systemCode(error);
  if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
  throw error;
}
