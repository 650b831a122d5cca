import { randomUUID } from 'node:crypto';
import {
  chmodSync,
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { CountersignError, systemCode } from '../../errors.ts';
import { unifiedDiff } from './unified-diff.ts';

/** A change to a file of somebody else's program, not yet made. */
export interface EditPlan {
  /** As it was given. */
  readonly path: string;
  /** Empty where there is no file yet. */
  readonly before: string;
  readonly after: string;
  /** Unified; empty where nothing changes. */
  readonly diff: string;
  readonly isNew: boolean;
}

const byteOrderMark = '\u{feff}';
const maxFileBytes = 16 << 20;
const newFileMode = 0o600;
const maxBackups = 1_000;

/**
 * Reads a host's configuration and works out what it becomes; nothing is written. `edit` gets the text without a byte order mark, or
 * an empty one where there is no file, and throws what it cannot parse: what is not understood is not touched.
 *
 * @throws CountersignError `CONFIG_INVALID` for a file that cannot be read, is no UTF-8 or is larger than 16 MiB.
 */
export function planEdit(path: string, edit: (text: string) => string): EditPlan {
  const found = readText(path);
  const before = found ?? '';
  const mark = before.startsWith(byteOrderMark) ? byteOrderMark : '';
  const after = mark + edit(before.slice(mark.length));
  return { path, before, after, diff: unifiedDiff(before, after, path), isNew: found === undefined };
}

/**
 * Makes the change: the former content is kept in a file beside it with the same mode, and the new one takes its place whole. Whoever
 * reads in between, or after a crash, has one of the two. A link stays one: the file that it leads to is replaced.
 *
 * @returns where the former content is; undefined where there was none, or nothing to change.
 * @throws CountersignError `CONFIG_INVALID` when the file is no more what the plan was made for, or cannot be written.
 */
export function applyEdit({ path, before, after, isNew }: EditPlan): { readonly backup: string | undefined } {
  if (!isNew && before === after) return { backup: undefined };
  const now = readText(path);
  if ((now === undefined) !== isNew || (now ?? '') !== before)
    throw invalid(`${path} has changed in the meantime: look at the change again.`);
  try {
    if (isNew) {
      mkdirSync(dirname(path), { recursive: true });
      replace(path, after, newFileMode);
      return { backup: undefined };
    }
    const place = realpathSync(path);
    const mode = statSync(place).mode & 0o777;
    const backup = keep(place, before, mode);
    replace(place, after, mode);
    return { backup };
  } catch (error) {
    throw invalid(`${path} cannot be written (${systemCode(error)}).`, error);
  }
}

/** Never over another one: the first is the one from before everything. */
function keep(place: string, text: string, mode: number): string {
  for (let number = 1; ; number += 1) {
    const backup = `${place}.bak${number === 1 ? '' : `-${number}`}`;
    try {
      write(backup, text, mode);
      return backup;
    } catch (error) {
      if (systemCode(error) !== 'EEXIST' || number === maxBackups) throw error;
    }
  }
}

function replace(place: string, text: string, mode: number): void {
  const draft = `${place}.${randomUUID()}.tmp`;
  try {
    write(draft, text, mode);
    renameSync(draft, place);
  } catch (error) {
    rmSync(draft, { force: true });
    throw error;
  }
}

/** A new file, on the disk; there are secrets in some: at no time is it open to more than it is to be. */
function write(path: string, text: string, mode: number): void {
  const file = openSync(path, 'wx', mode & 0o600);
  try {
    writeFileSync(file, text);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  chmodSync(path, mode);
}

/** Undefined where there is no file. */
function readText(path: string): string | undefined {
  let bytes: Uint8Array;
  try {
    const { size } = statSync(path);
    if (size > maxFileBytes) throw invalid(`${path} is too large for a configuration.`);
    bytes = readFileSync(path);
  } catch (error) {
    if (error instanceof CountersignError) throw error;
    if (systemCode(error) === 'ENOENT') return undefined;
    throw invalid(`${path} cannot be read (${systemCode(error)}).`, error);
  }
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (error) {
    throw invalid(`${path} is not UTF-8: it is left alone.`, error);
  }
}

function invalid(message: string, cause?: unknown): CountersignError {
  return new CountersignError('CONFIG_INVALID', message, { cause });
}
