import type { CryptoKey } from 'jose';
import { createAllowance } from './allowance.ts';
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
  /** Monotonic milliseconds, by which a reading is timed; those of the runtime unless told. */
  readonly elapsed?: () => number;
}

/** Keys are asked for again after this: that is how long one that its issuer took back still counts. */
const freshMs = 600_000;
/** While the issuer does not answer its last keys count on, for so long after they were read. */
const staleMs = 3_600_000;
/**
 * A token that names an unknown key has the set read again: its issuer may have changed keys since. Whoever sends tokens chooses their
 * names, so that this is twice a minute in the long run. There are some to spare for the issuer that changes its keys right after they
 * were read, a second apart for the one that gives out tokens a little before it publishes their key.
 */
const unknownKeyReads = { atOnce: 4, everyMs: 30_000, apartMs: 1_000 };
const [firstBackOffMs, longestBackOffMs] = [1_000, 60_000];

interface ImportedKey extends IssuerKey {
  readonly key: CryptoKey;
}

interface Known {
  readonly keys: readonly ImportedKey[];
  readonly readAt: number;
}

/**
 * A key set that is read when it is needed, by one reader at a time, and not at all while its issuer is known to fail. Nobody waits for
 * more than one reading.
 */
export function createKeySet({ algorithms, load, elapsed = () => performance.now() }: KeySetOptions): KeySet {
  let known: Known | undefined;
  let reading: Promise<void> | undefined;
  let failures = 0;
  let failedAt = -Infinity;
  const forUnknownKeys = createAllowance(unknownKeyReads);

  const readAgain = async (now: number): Promise<void> => {
    const begun = elapsed();
    try {
      known = { keys: await importAll(readJwks(await load(), algorithms)), readAt: now };
      failures = 0;
    } catch {
      failures += 1;
      // An issuer that hangs has failed when it is given up: the pause from its beginning would be over by then.
      failedAt = now + elapsed() - begun;
    }
  };
  /** At most one reading at a time: everybody who needs one waits for the same. */
  const read = (now: number): Promise<void> =>
    (reading ??= readAgain(now).finally(() => (reading = undefined)));

  const ageAt = (now: number): number => (known === undefined ? Infinity : Math.abs(now - known.readAt));
  const lookUp = (question: KeyQuestion, now: number): CryptoKey | KeyFault =>
    known === undefined || ageAt(now) >= freshMs + staleMs
      ? 'KEYS_UNAVAILABLE'
      : choose(known.keys, question);

  const isWorthReading = (found: CryptoKey | KeyFault, now: number): boolean => {
    const isOld = ageAt(now) >= freshMs;
    if (!isOld && found !== 'KEY_UNKNOWN') return false;
    // Whoever has a key already does not also wait for an issuer that is known to fail: one does, and tells the others.
    if (reading !== undefined) return failures === 0 || typeof found === 'string';
    if (isLeftAlone(now - failedAt, failures)) return false;
    return isOld || forUnknownKeys.take(now);
  };

  return {
    async find(question, now) {
      const found = lookUp(question, now);
      if (!isWorthReading(found, now)) return found;
      await read(now);
      return lookUp(question, now);
    },
  };
}

/** A question may be older than the failure, as it waited for something else; one that is much older is of a clock that was set back. */
function isLeftAlone(sinceFailure: number, failures: number): boolean {
  if (failures === 0 || sinceFailure < -longestBackOffMs) return false;
  return sinceFailure < Math.min(longestBackOffMs, firstBackOffMs * 2 ** (failures - 1));
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
