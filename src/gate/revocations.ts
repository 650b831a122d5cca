import { CountersignError } from '../errors.ts';
import { assertIndexable } from '../identity/revocation/revoked-by.ts';
import type { RevocationState } from '../identity/revocation/revocation.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { epochKey, parseRevocation, revokedPrefix } from './revocation-heads.ts';

/** What is taken back, as one process knows it. Rejections are REVOCATIONS_UNREADABLE: whoever gets one denies. */
export interface Revocations {
  /** As it was last read, however long ago: for whoever has the epoch compared when it counts. */
  current(): Promise<RevocationState>;
  /** At most so many milliseconds old; as it is now unless told. The list is read only when the epoch has moved. */
  latest(maxAge?: number): Promise<RevocationState>;
  /**
   * Tells of every other state from now on, and of what is known already, at once; undefined once it could not be read for so long
   * that it may be anything. The ledger is looked at while somebody listens. Returns what ends that.
   */
  onChange(listener: (state: RevocationState | undefined) => void): () => void;
}

export interface RevocationsOptions {
  readonly ledger: Pick<Ledger, 'heads' | 'headsUnder'>;
  /** Milliseconds between two looks at the epoch; 250 unless told. */
  readonly every?: number;
  /** Milliseconds for which what runs goes on without being able to tell; 30,000 unless told. */
  readonly patience?: number;
}

type Listener = Parameters<Revocations['onChange']>[0];

/** Reads of one state that others change all the time, at most. */
const readAttempts = 5;

/** One for each process: all its gates share it, and so the looks at the ledger. */
export function createRevocations({
  ledger,
  every = 250,
  patience = 30_000,
}: RevocationsOptions): Revocations {
  const listeners = new Set<Listener>();
  let known: RevocationState | undefined;
  /** Monotonic milliseconds at which the read began that confirmed it. */
  let knownAt = -Infinity;
  let reading: Promise<RevocationState> | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let isLooking = false;
  let silentSince: number | undefined;

  const read = async (): Promise<RevocationState> => {
    const began = performance.now();
    let found: RevocationState;
    try {
      const epoch = await readEpoch(ledger);
      found = known?.epoch === epoch ? known : await readState(ledger);
    } catch (error) {
      throw unreadable(error);
    }
    silentSince = undefined;
    // Another read, which began later, may have been faster.
    if (known && began < knownAt) return known;
    knownAt = began;
    const isOther = known !== found;
    known = found;
    if (isOther) for (const tell of [...listeners]) tell(found);
    return found;
  };
  const look = async (): Promise<void> => {
    isLooking = true;
    try {
      await read();
    } catch {
      silentSince ??= performance.now();
      if (performance.now() - silentSince >= patience) for (const tell of [...listeners]) tell(undefined);
    }
    isLooking = false;
    timer = undefined;
    lookLater();
  };
  const lookLater = (): void => {
    if (listeners.size === 0 || isLooking || timer !== undefined) return;
    timer = setTimeout(() => void look(), every);
    // What is looked for concerns what runs: by itself it keeps no process.
    if (typeof timer === 'object') timer.unref();
  };

  return {
    current: () => (known ? Promise.resolve(known) : read()),
    latest(maxAge = 0) {
      if (known && performance.now() - knownAt < maxAge) return Promise.resolve(known);
      // A read that has begun before says nothing of now, except to whoever takes an older one.
      if (maxAge === 0) return read();
      reading ??= read().finally(() => (reading = undefined));
      return reading;
    },
    onChange(listener) {
      listeners.add(listener);
      if (known) listener(known);
      lookLater();
      return () => {
        listeners.delete(listener);
        if (listeners.size > 0) return;
        clearTimeout(timer);
        timer = undefined;
      };
    },
  };
}

async function readEpoch(ledger: Pick<Ledger, 'heads'>): Promise<string | null> {
  return (await ledger.heads([epochKey])).get(epochKey) ?? null;
}

/** A list that goes with its epoch: the one before and the one behind it are the same. */
async function readState(ledger: RevocationsOptions['ledger']): Promise<RevocationState> {
  for (let attempt = 1; attempt <= readAttempts; attempt += 1) {
    const epoch = await readEpoch(ledger);
    const heads = await ledger.headsUnder(revokedPrefix);
    if ((await readEpoch(ledger)) !== epoch) continue;
    const state = { epoch, revoked: [...heads.values()].map(parseRevocation) };
    assertIndexable(state);
    return state;
  }
  throw new CountersignError('LEDGER_LOCKED', 'The revocations change faster than they can be read.');
}

function unreadable(cause: unknown): CountersignError {
  return new CountersignError(
    'REVOCATIONS_UNREADABLE',
    'What has been revoked cannot be read from the ledger, so nothing is allowed.',
    { cause },
  );
}
