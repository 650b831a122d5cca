import { randomUUID } from 'node:crypto';
import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { systemCode } from '../errors.ts';
import { usage } from './report.ts';

/** The file's bytes; undefined when there is none. Misuse when it cannot be read. */
export async function readIfThere(file: string): Promise<Uint8Array | undefined> {
  try {
    return Uint8Array.from(await readFile(file));
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined;
    throw usage(`${file} cannot be read (${systemCode(error)}).`);
  }
}

/** Written beside its place, and then named: a crash leaves the old file or the new one, whole. Misuse when it cannot be. */
export async function replaceFile(file: string, bytes: Uint8Array): Promise<void> {
  const draft = `${file}.${randomUUID()}.tmp`;
  try {
    await writeFile(draft, bytes, { flag: 'wx', flush: true });
    await rename(draft, file);
  } catch (error) {
    await rm(draft, { force: true });
    throw usage(`${file} cannot be written (${systemCode(error)}).`);
  }
}
