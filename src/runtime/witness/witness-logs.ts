import { CountersignError } from '../../errors.ts';
import { formatVkey, isKeyName, parseVkey, signatureTypes } from '../../tlog/vkey.ts';
import type { VerifierKey } from '../../tlog/vkey.ts';
import type { WitnessedLog } from '../../witness/store.ts';
import type { OpenedWitness } from './witness.ts';

/** A log as a witness's operator sees it. */
export interface LogInBooks {
  readonly origin: string;
  readonly vkeys: readonly string[];
  readonly latest: { readonly size: number; readonly cosignedAt: string } | null;
  readonly forks: { readonly proven: number; readonly unproven: number; readonly dropped: number };
}

/**
 * Follows logs, or takes more of their keys: all of them or, when one is none (CONFIG_INVALID), nothing. A log's origin is its
 * key's name, unless told.
 */
export function followLogs(
  { books }: OpenedWitness,
  vkeys: readonly string[],
  origin?: string,
): readonly (LogInBooks & { readonly added: boolean })[] {
  const keys = vkeys.map(logKey);
  if (origin !== undefined && !isOrigin(origin)) {
    throw new CountersignError('CONFIG_INVALID', 'An origin is one line of text, and not empty.');
  }
  const originOf = (key: VerifierKey): string => origin ?? key.name;
  const added = new Set(keys.filter((key) => books.addKey(originOf(key), key)).map(originOf));
  return [...new Set(keys.map(originOf))].map((each) => ({
    ...inBooks(books.logs(), each),
    added: added.has(each),
  }));
}

/** Follows a log, named by origin, no more; or takes back one of its keys. NOT_FOUND when there is no such log or key. */
export function unfollowLog({ books }: OpenedWitness, originOrVkey: string): readonly LogInBooks[] {
  const key = parseVkey(originOrVkey);
  const concerned = books
    .logs()
    .map(({ origin, keys }) => ({ origin, keys: keys.filter((each) => removes(each, origin)) }))
    .filter(({ keys }) => keys.length > 0);
  function removes(each: VerifierKey, origin: string): boolean {
    return key === undefined ? origin === originOrVkey : formatVkey(each) === originOrVkey;
  }
  if (concerned.length === 0) {
    throw new CountersignError('NOT_FOUND', 'This witness follows no log of this origin or key.');
  }
  for (const { origin, keys } of concerned) for (const each of keys) books.removeKey(origin, each);
  return concerned.map(({ origin }) => inBooks(books.logs(), origin));
}

/** What a witness has in its books; logs that it no longer follows are among them, without keys. */
export function logsInBooks({ books }: OpenedWitness): readonly LogInBooks[] {
  return books.logs().map(toPlain);
}

/** The key of a log, as verifiers write it. CONFIG_INVALID for anything else, a witness's key included. */
export function logKey(vkey: string): VerifierKey {
  const key = parseVkey(vkey);
  if (key?.type === signatureTypes.ed25519) return key;
  throw new CountersignError(
    'CONFIG_INVALID',
    key === undefined
      ? 'This is no vkey: it should look like log.example.org+6f1c2d3e+AX…'
      : 'This is the key of a witness: a log’s vkey is needed.',
  );
}

function isOrigin(text: string): boolean {
  return isKeyName(text.replaceAll(/[ +]/g, '')) && text.trim() === text;
}

function inBooks(logs: readonly WitnessedLog[], origin: string): LogInBooks {
  const log = logs.find((each) => each.origin === origin);
  return toPlain(log ?? { origin, keys: [], latest: null, forks: { proven: 0, unproven: 0, dropped: 0 } });
}

function toPlain({ origin, keys, latest, forks }: WitnessedLog): LogInBooks {
  return {
    origin,
    vkeys: keys.map(formatVkey),
    latest: latest && { size: latest.size, cosignedAt: new Date(latest.time * 1_000).toISOString() },
    forks,
  };
}
