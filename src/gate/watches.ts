import type { Call } from '../call/call.ts';
import { CountersignError } from '../errors.ts';
import type { Authenticator, Principal } from '../identity/principal.ts';
import { revokedBy } from '../identity/revocation/revoked-by.ts';
import type { NamedTool, RevocationState } from '../identity/revocation/revocation.ts';
import type { Clock } from './parts.ts';
import type { Revocations } from './revocations.ts';

/** Something that goes on for longer than a moment, and who it is for. */
export interface Watched {
  readonly principal: Principal;
  /** The key that it was begun with. */
  readonly apiKey: string | undefined;
  /** Of a call. */
  readonly tool?: NamedTool;
}

/** A call's tool as revocations name it. */
export function toolOf({ server, tool }: Call): NamedTool {
  return { server: server.name, name: tool };
}

/** Ends what goes on once whoever it is for is no longer good: revoked, or their credentials have ended. */
export interface Watches {
  /**
   * `onEnd` is called once, perhaps before this returns; with a revocation's code, or LEASE_ENDED when credentials have ended.
   * Returns what ends the watch.
   */
  add(watched: Watched, onEnd: (why: CountersignError) => void): () => void;
}

export interface WatchesOptions {
  readonly revocations: Revocations;
  readonly authenticator: Authenticator;
  readonly clock: Clock;
  /** Milliseconds between two looks at keys and clock; 500 unless told. */
  readonly every?: number;
}

interface Watch extends Watched {
  readonly onEnd: (why: CountersignError) => void;
}

/** One for the gates of one configuration: however much goes on, one of them looks. */
export function createWatches({ revocations, authenticator, clock, every = 500 }: WatchesOptions): Watches {
  const watches = new Set<Watch>();
  let state: RevocationState | undefined;
  let stop: (() => void) | undefined;

  const end = (watch: Watch, why: CountersignError): void => {
    if (remove(watch)) watch.onEnd(why);
  };
  const remove = (watch: Watch): boolean => {
    const was = watches.delete(watch);
    if (watches.size === 0) {
      stop?.();
      stop = undefined;
    }
    return was;
  };
  const endIfRevoked = (watch: Watch): void => {
    const refusal = state && revokedBy(state, watch.principal, watch.tool);
    if (refusal) end(watch, new CountersignError(refusal.code, refusal.message));
  };
  const look = async (): Promise<void> => {
    const now = clock.now();
    for (const watch of [...watches]) if (!(now < (watch.principal.expiresAt ?? Infinity))) end(watch, ended);
    for (const [apiKey, ofKey] of Map.groupBy(watches, (watch) => watch.apiKey)) {
      const why = await endOfKey(authenticator, apiKey, now);
      if (why) for (const watch of ofKey) end(watch, why);
    }
  };
  const start = (): (() => void) => {
    const stopListening = revocations.onChange((next) => {
      state = next;
      for (const watch of [...watches])
        if (next) endIfRevoked(watch);
        else end(watch, cannotTell);
    });
    const timer = setInterval(() => void look(), every);
    if (typeof timer === 'object') timer.unref();
    return () => {
      clearInterval(timer);
      stopListening();
    };
  };

  return {
    add(watched, onEnd) {
      const watch: Watch = { ...watched, onEnd };
      watches.add(watch);
      if (stop) {
        endIfRevoked(watch);
      } else {
        const started = start();
        // What is known already may have ended it.
        if (watches.size > 0) stop = started;
        else started();
      }
      return () => void remove(watch);
    },
  };
}

/** What ends a key for good. That its record cannot be read for a moment ends nothing that runs: the next call is denied. */
const endings: ReadonlySet<string> = new Set(['API_KEY_REVOKED', 'API_KEY_UNKNOWN', 'API_KEY_EXPIRED']);

/** Asked of the key alone: what came with it has an end of its own, and a proof of possession is shown once. */
async function endOfKey(
  authenticator: Authenticator,
  apiKey: string | undefined,
  now: number,
): Promise<CountersignError | undefined> {
  try {
    await authenticator.authenticate({ apiKey }, now);
    return undefined;
  } catch (error) {
    if (!(error instanceof CountersignError) || !endings.has(error.code)) return undefined;
    return error.code === 'API_KEY_REVOKED' ? error : ended;
  }
}

const ended = new CountersignError('LEASE_ENDED', 'The credentials have ended.');

const cannotTell = new CountersignError(
  'REVOCATIONS_UNREADABLE',
  'What has been revoked could not be read from the ledger for too long.',
);
