import type { CryptoKey } from 'jose';
import { importIssuerKey, type IssuerKey, type TokenAlgorithm } from './jwk.ts';
import { readJwks } from './jwks.ts';

/** What a token's header asks for. */
export interface KeyQuestion {
  readonly algorithm: TokenAlgorithm;
  readonly keyId: string | undefined;
}

export type KeyFault = 'KEY_UNKNOWN' | 'ALGORITHM_REFUSED' | 'KEYS_UNAVAILABLE';

/** The public keys of one issuer, as it publishes them now. */
export interface KeySet {
  /** The one key that fits; or why there is none. Never rejects. `now` is wall milliseconds. */
  find(question: KeyQuestion, now: number): Promise<CryptoKey | KeyFault>;
}

export interface KeySetOptions {
  readonly algorithms: readonly TokenAlgorithm[];
  /** Reads the set where it is published: at most `maxJwksBytes`, within a time of its own. */
  readonly load: () => Promise<Uint8Array>;
}

/** Keys are asked for again after this: that is how long one that its issuer took back still counts. */
const freshMs = 600_000;
/** While the issuer does not answer its last keys count on, for so long after they were read. */
const staleMs = 3_600_000;
/** A token that names an unknown key has the set read again, but not more often: whoever sends tokens chooses their names. */
const unknownKeyPauseMs = 30_000;
const [firstBackOffMs, longestBackOffMs] = [1_000, 60_000];

interface ImportedKey extends IssuerKey {
  readonly key: CryptoKey;
}

interface Known {
  readonly keys: readonly ImportedKey[];
  readonly readAt: number;
}

/** A key set that is read when it is needed, by one reader at a time, and not at all while its issuer is known to fail. */
export function createKeySet({ algorithms, load }: KeySetOptions): KeySet {
  let known: Known | undefined;
  let reading: Promise<void> | undefined;
  let failures = 0;
  let triedAt = -Infinity;

  const readAgain = async (now: number): Promise<void> => {
    triedAt = now;
    try {
      known = { keys: await importAll(readJwks(await load(), algorithms)), readAt: now };
      failures = 0;
    } catch {
      failures += 1;
    }
  };
  /** At most one reading at a time: everybody who needs one waits for the same. */
  const read = (now: number): Promise<void> =>
    (reading ??= readAgain(now).finally(() => (reading = undefined)));

  const ageAt = (now: number): number => (known === undefined ? Infinity : Math.abs(now - known.readAt));
  const mayRead = (now: number): boolean =>
    reading !== undefined || Math.abs(now - triedAt) >= backOff(failures);

  return {
    async find(question, now) {
      if (ageAt(now) >= freshMs && mayRead(now)) await read(now);
      if (known === undefined || ageAt(now) >= freshMs + staleMs) return 'KEYS_UNAVAILABLE';
      const found = choose(known.keys, question);
      if (found !== 'KEY_UNKNOWN' || Math.abs(now - triedAt) < unknownKeyPauseMs) return found;
      await read(now);
      return choose(known.keys, question);
    },
  };
}

function backOff(failures: number): number {
  return failures === 0 ? 0 : Math.min(longestBackOffMs, firstBackOffMs * 2 ** (failures - 1));
}

/** A key that cannot be imported is none; the others still count. Without any this is no set to replace the last one. */
async function importAll(keys: readonly IssuerKey[]): Promise<readonly ImportedKey[]> {
  const imported = await Promise.allSettled(
    keys.map(async (each) => ({ ...each, key: await importIssuerKey(each) })),
  );
  const usable = imported.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []));
  if (usable.length === 0) throw new Error('No key of this set can be imported.');
  return usable;
}

/** A token that names no key can only mean the one there is. */
function choose(keys: readonly ImportedKey[], { algorithm, keyId }: KeyQuestion): CryptoKey | KeyFault {
  const named = keyId === undefined ? keys : keys.filter(({ id }) => id === keyId);
  const [first, ...others] = named.filter((key) => key.algorithm === algorithm);
  if (first !== undefined && others.length === 0) return first.key;
  return first === undefined && keyId !== undefined && named.length > 0 ? 'ALGORITHM_REFUSED' : 'KEY_UNKNOWN';
}
