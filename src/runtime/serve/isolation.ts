import { readdirSync, realpathSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { CountersignError } from '../../errors.ts';
import { effectiveUser, whoElseMayReplace } from '../file-guard.ts';
import type { HomeLayout } from '../home/home-layout.ts';
import type { Listen } from './doors.ts';

export interface IsolationClaim {
  readonly layout: HomeLayout;
  /** The configuration and its policies: what decides. */
  readonly files: readonly string[];
  readonly listen: Listen;
  /** Further files that only the gate's user may read: the private key of TLS. */
  readonly secrets?: readonly string[];
  /** What runs: who can change it needs no keys. This process's own Node and script unless told. */
  readonly program?: readonly string[];
}

/**
 * Refuses, with CONFIG_INVALID, to state `isolated` where it cannot be true: when another user than the gate's can read its keys
 * or change what it decides by, when nobody but the gate's own user can reach it, or when API keys would cross a network
 * in the clear. These conditions are necessary and not sufficient. Under which user callers run is nothing that a gate
 * can see: that it is another one, the operator states with this word.
 */
export function assertIsolated({
  layout,
  files,
  listen,
  secrets = [],
  program = process.argv.slice(0, 2),
}: IsolationClaim): void {
  const user = effectiveUser();
  if (user === undefined) throw refused('this system has no user ids that could be checked.');
  if (listen.tcp && !listen.tls && !isLoopback(listen.tcp.host))
    throw refused(
      `${listen.tcp.host} is no loopback address, and API keys would cross the network in the clear. Give it listen.tls, or put a proxy with TLS on this machine before it.`,
    );
  if (listen.tcp === undefined) assertReachable(listen.socket, user);
  assertKept(layout, secrets, user);
  for (const file of [...files, ...program]) assertUnchangeable(file, user);
}

/** Only the gate's user may read a secret, and nobody else may put one in its place. */
function assertKept(layout: HomeLayout, secrets: readonly string[], user: number): void {
  const stranger = whoElseMayReplace(layout.root, [user]);
  if (stranger !== undefined) throw refused(stranger);
  const keys = readdirSync(layout.keys).map((name) => join(layout.keys, name));
  for (const path of [layout.root, layout.keys, ...keys, layout.apiKeys, ...secrets]) {
    const { uid, mode } = statSync(path);
    if (uid !== user) throw refused(`${path} belongs to another user (uid ${uid}) than this gate.`);
    if ((mode & 0o077) !== 0)
      throw refused(`others can read ${path}. Take that from them with: chmod go= ${path}`);
  }
}

function assertUnchangeable(file: string, user: number): void {
  const place = realpathSync(file);
  const { uid, mode } = statSync(place);
  if (uid !== user && uid !== 0)
    throw refused(`${place} belongs to another user (uid ${uid}) than this gate.`);
  if ((mode & 0o022) !== 0)
    throw refused(`others can write ${place}. Take that from them with: chmod go-w ${place}`);
  // A link may be replaced where it is, and what it leads to where that is.
  for (const folder of [dirname(file), dirname(place)]) {
    const stranger = whoElseMayReplace(folder, [user]);
    if (stranger !== undefined) throw refused(stranger);
  }
}

/** A socket in a folder that only its owner may enter is one that only the gate's own user can call. */
function assertReachable(socket: string, user: number): void {
  for (let at = realpathSync(dirname(socket)); ; at = dirname(at)) {
    const { uid, mode } = statSync(at);
    if (uid === user && (mode & 0o011) === 0)
      throw refused(
        `only this user can reach ${socket}, so that every caller is this user. Let a group enter its folder with: chmod g+x ${at}`,
      );
    if (at === dirname(at)) return;
  }
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(?:\.\d{1,3}){3}$/.test(host);
}

function refused(why: string): CountersignError {
  return new CountersignError('CONFIG_INVALID', `mode: isolated cannot be true here: ${why}`);
}
