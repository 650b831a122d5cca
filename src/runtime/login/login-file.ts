import {
  closeSync,
  fstatSync,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { CountersignError, systemCode } from '../../errors.ts';
import { syncDirectory } from '../../ledger/sync-directory-node.ts';

/** What came of a login. Secret: it is in the home's `login.json`, 0600, and nowhere else. */
export interface Login {
  readonly version: 1;
  readonly issuer: string;
  readonly clientId: string;
  /** Whom the tokens are for, where the issuer was asked for that. */
  readonly resource?: string;
  /** Who logged in, as the issuer says: for people to read, never believed. */
  readonly subject?: string;
  /** Wall milliseconds. */
  readonly since: number;
  /** Absent once the issuer has taken the login back: it stays on record, so that nobody calls as if there had been none. */
  readonly tokens?: LoginTokens;
}

export interface LoginTokens {
  readonly access: string;
  /** Without one the login ends with its access token. */
  readonly refresh?: string;
  /** Wall milliseconds. */
  readonly obtainedAt: number;
  readonly expiresAt: number;
}

export function loginPath(root: string): string {
  return join(root, 'login.json');
}

/** What changes whenever the file does; undefined where there is none. */
export function loginStamp(path: string): string | undefined {
  const found = statSync(path, { bigint: true, throwIfNoEntry: false });
  return found && `${found.ino} ${found.size} ${found.mtimeNs} ${found.ctimeNs}`;
}

/** The login on record; undefined where there is none. Throws LOGIN_FAILED for one that others can read, or that is none. */
export function readLogin(path: string): Login | undefined {
  let text: string;
  let handle: number | undefined;
  try {
    handle = openSync(path, 'r');
    if (process.platform !== 'win32' && (fstatSync(handle).mode & 0o077) !== 0)
      throw failed(`Others can read ${path}, so it is no secret. Log out, and in again.`);
    text = readFileSync(handle, 'utf8');
  } catch (error) {
    if (error instanceof CountersignError) throw error;
    if (systemCode(error) === 'ENOENT') return undefined;
    throw failed(`${path} cannot be read.`, error);
  } finally {
    if (handle !== undefined) closeSync(handle);
  }
  const login = parseLogin(text);
  if (login === undefined) throw failed(`${path} is damaged. Log out, and in again.`);
  return login;
}

function parseLogin(text: string): Login | undefined {
  let read: Partial<Login> | null;
  try {
    read = JSON.parse(text) as Partial<Login> | null;
  } catch {
    return undefined;
  }
  const { tokens } = read ?? {};
  const isWhole =
    read?.version === 1 &&
    typeof read.issuer === 'string' &&
    typeof read.clientId === 'string' &&
    typeof read.since === 'number' &&
    (tokens === undefined || isTokens(tokens));
  return isWhole ? (read as Login) : undefined;
}

function isTokens(tokens: Partial<LoginTokens> | null): boolean {
  return (
    typeof tokens?.access === 'string' &&
    ['string', 'undefined'].includes(typeof tokens.refresh) &&
    Number.isFinite(tokens.obtainedAt) &&
    Number.isFinite(tokens.expiresAt)
  );
}

/** A place for a new login, taken before anybody is asked for one: what an issuer gives once must not find the disk full. */
export interface LoginDraft {
  /** Puts it in the place of the one before: whole, durable, and only then seen. */
  commit(login: Login): void;
  discard(): void;
}

/** @throws CountersignError `LOGIN_FAILED` when the home cannot be written. Whoever drafts holds the lock. */
export function draftLogin(path: string): LoginDraft {
  const draft = `${path}.new`;
  const room = Buffer.alloc(roomBytes, ' ');
  let handle: number;
  try {
    rmSync(draft, { force: true });
    handle = openSync(draft, 'wx', 0o600);
    writeFileSync(handle, room);
    fsyncSync(handle);
  } catch (error) {
    throw failed(`${path} cannot be written.`, error);
  }
  let isOpen = true;
  const close = (): void => {
    if (isOpen) closeSync(handle);
    isOpen = false;
  };
  return {
    commit(login) {
      try {
        close();
        // Blanks behind JSON are none of it: what was taken is not given back before the file has its place.
        const text = `${JSON.stringify(login)}\n`.padEnd(room.length, ' ');
        writeFileSync(draft, text, { flag: 'r+', flush: true });
        renameSync(draft, path);
        syncDirectory(path);
      } catch (error) {
        throw failed(`${path} cannot be written.`, error);
      }
    },
    discard() {
      close();
      rmSync(draft, { force: true });
    },
  };
}

/** Three tokens of 16 KiB, which is as long as one may be to be believed, and what is beside them. */
const roomBytes = 64 << 10;

export function removeLogin(path: string): void {
  rmSync(`${path}.new`, { force: true });
  rmSync(path, { force: true });
  syncDirectory(path);
}

function failed(message: string, cause?: unknown): CountersignError {
  return new CountersignError('LOGIN_FAILED', message, { cause });
}
