import { randomUUID } from 'node:crypto';
import {
  closeSync,
  constants,
  fstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { hex, sha256, utf8 } from '../../call/sha256.ts';
import { boundedRequest } from '../../client/last-user-text.ts';
import { effectiveUser } from '../file-guard.ts';

/** What a person has asked for last, by session. Nothing here throws: what goes wrong leaves a session without a request. */
export interface Prompts {
  /** In place of the one before. Undefined where it is not known what was asked: then nothing was. */
  keep(session: string, prompt: string | undefined): void;
  of(session: string): string | undefined;
  forget(session: string): void;
}

/** Where nothing can be kept, nobody has asked for anything. */
export const noPrompts: Prompts = { keep: () => undefined, of: () => undefined, forget: () => undefined };

const keptMs = 24 * 3_600_000;
/** Three bytes for each of the characters that a request may have. */
const maxBytes = 3 * 65_536;
const suffix = '.prompt';

/**
 * One file for each session under `folder`, for this user alone, of at most a day. Another file than we have written, such as a link,
 * one of another user, or one that others can read or write, says nothing.
 */
export function promptsIn(folder: string, host: string): Prompts {
  const pathOf = (session: string): string =>
    join(folder, `${hex(sha256(utf8(JSON.stringify([host, session])))).slice(0, 32)}${suffix}`);
  const forget = (session: string): void => quietly(() => rmSync(pathOf(session), { force: true }));
  return {
    keep(session, prompt) {
      const text = prompt === undefined ? undefined : boundedRequest(prompt);
      // First, so that no failure below leaves what was asked before.
      forget(session);
      if (text === undefined) return;
      quietly(() => {
        mkdirSync(folder, { recursive: true, mode: 0o700 });
        sweep(folder);
        replace(pathOf(session), text);
      });
    },
    of: (session) => quietly(() => read(pathOf(session))),
    forget,
  };
}

/** Nobody reads half of it. */
function replace(path: string, text: string): void {
  const unfinished = `${path}.${randomUUID()}`;
  try {
    writeFileSync(unfinished, text, { flag: 'wx', mode: 0o600 });
    renameSync(unfinished, path);
  } catch {
    rmSync(unfinished, { force: true });
  }
}

function read(path: string): string | undefined {
  const file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const { uid, mode, size, mtimeMs } = fstatSync(file);
    const isOurs = (effectiveUser() ?? uid) === uid && (mode & constants.S_IFMT) === constants.S_IFREG;
    const isPrivate = (mode & 0o077) === 0;
    if (!isOurs || !isPrivate || size > maxBytes || Math.abs(Date.now() - mtimeMs) > keptMs) return undefined;
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(readFileSync(file));
  } finally {
    closeSync(file);
  }
}

/** What is older than a day, whichever host has left it, and what a process that was killed left unfinished. */
function sweep(folder: string): void {
  for (const name of readdirSync(folder).filter((each) => each.includes(suffix))) {
    const path = join(folder, name);
    const modified = statSync(path, { throwIfNoEntry: false })?.mtimeMs;
    if (modified !== undefined && modified < Date.now() - keptMs) rmSync(path, { force: true });
  }
}

function quietly<T>(act: () => T): T | undefined {
  try {
    return act();
  } catch {
    return undefined;
  }
}
