import { chmodSync, closeSync, lstatSync, openSync, realpathSync, rmSync, type Stats } from 'node:fs';
import { connect, type Server } from 'node:net';
import { basename, dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { CountersignError, systemCode } from '../../errors.ts';
import { isBusy } from '../../ledger/store-sqlite-errors.ts';
import { effectiveUser, whoElseMayReplace } from '../file-guard.ts';

/** The user and the group of the gate may connect; who is in that group, the operator says. */
const socketMode = 0o660;

/** The shorter one of what systems take (macOS: 104 bytes with the NUL), so that a configuration works on all of them. */
export const maxSocketPathBytes = 103;
const lockSuffix = '.lock';

/**
 * Has `server` listen on a unix socket at `path`, which is absolute. The socket of a gate that died there is replaced; one that
 * still answers is not, nor is anything that is no socket of this user. Closing the server removes it.
 *
 * Rejects with CONFIG_INVALID when the place cannot be had, or when somebody else could put a socket of his own there.
 */
export async function listenOnSocket(server: Server, path: string): Promise<void> {
  const place = guardedPlace(path);
  const held = lock(place);
  try {
    await clearAway(place);
    await bind(server, place);
    assertOurs(place);
  } catch (error) {
    held.close();
    throw error;
  }
  server.once('close', () => held.close());
}

/** Who can swap the socket gets the callers' API keys, and answers them as he likes: the folder has to be the gate's alone. */
function guardedPlace(path: string): string {
  const user = effectiveUser();
  if (user === undefined) throw refused(`There are no unix sockets on this system: ${path}.`);
  if (path.includes('\0')) throw refused('The path of a socket has a NUL in it.');
  let folder: string;
  try {
    folder = realpathSync(dirname(path));
  } catch (error) {
    throw refused(`The folder of the socket ${path} cannot be read (${systemCode(error)}).`);
  }
  const place = join(folder, basename(path));
  if (Buffer.byteLength(place) > maxSocketPathBytes)
    throw refused(`The path of the socket ${place} is longer than ${maxSocketPathBytes} bytes.`);
  const stranger = whoElseMayReplace(folder, [user]);
  if (stranger !== undefined) throw refused(`${path} is no safe place for a socket: ${stranger}`);
  return place;
}

/**
 * Takes the lock beside the socket, which ends with the process. Without it, of two gates that find one dead socket the second
 * could remove what the first has just made. The file stays: who removed it could be locking another one.
 */
function lock(place: string): DatabaseSync {
  const path = `${place}${lockSuffix}`;
  let file: DatabaseSync | undefined;
  try {
    closeSync(openSync(path, 'a', 0o600));
    file = new DatabaseSync(path, { timeout: 0 });
    file.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE');
    return file;
  } catch (error) {
    file?.close();
    throw isBusy(error) ? taken(place) : refused(`${path} cannot be locked (${systemCode(error)}).`);
  }
}

/** Removes what a dead gate left behind; who calls holds the lock. */
async function clearAway(place: string): Promise<void> {
  const found = look(place);
  if (found === undefined) return;
  if (!found.isSocket()) throw refused(`There is something at ${place} that is no socket.`);
  if (found.uid !== effectiveUser()) throw refused(`The socket ${place} belongs to another user.`);
  // Some other program of this user, which knows nothing of the lock.
  if (await isAnswered(place)) throw taken(place);
  rmSync(place, { force: true });
}

/** Whether a process listens there. What cannot be told is taken for one. */
function isAnswered(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', (error) => resolve(!['ECONNREFUSED', 'ENOENT'].includes(systemCode(error))));
  });
}

async function bind(server: Server, place: string): Promise<void> {
  const listening = new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.once('listening', () => {
      server.off('error', reject);
      resolve();
    });
  });
  // The socket is made within this call: at no time is it open to more than it is to be.
  const before = process.umask(0o777 & ~socketMode);
  try {
    server.listen(place);
  } finally {
    process.umask(before);
  }
  try {
    await listening;
  } catch (error) {
    throw systemCode(error) === 'EADDRINUSE'
      ? taken(place)
      : refused(`Nothing can listen on ${place} (${systemCode(error)}).`);
  }
  chmodSync(place, socketMode);
}

function assertOurs(place: string): void {
  const made = look(place);
  if (made?.isSocket() && made.uid === effectiveUser() && (made.mode & 0o777) === socketMode) return;
  throw refused(`The socket ${place} is not as it was made.`);
}

function look(path: string): Stats | undefined {
  return lstatSync(path, { throwIfNoEntry: false });
}

function taken(place: string): CountersignError {
  return refused(`Another process listens on ${place}.`);
}

function refused(message: string): CountersignError {
  return new CountersignError('CONFIG_INVALID', message);
}
