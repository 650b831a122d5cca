import { CountersignError, toCountersignError } from '../../errors.ts';
import type { ClientIdentity } from './identity-folder.ts';

export interface KeepOptions {
  /** What is there now. */
  readonly identity: ClientIdentity;
  /** By the certificate that is still valid. */
  readonly renew: () => Promise<ClientIdentity>;
  /** By a token, once the certificate has ended; absent where there is none that can be used again. */
  readonly enrolAnew?: (() => Promise<ClientIdentity>) | undefined;
  /** Told after each renewal, and each failure. */
  readonly onRenewed: (identity: ClientIdentity) => void;
  readonly onFailed: (error: CountersignError, nextTry: number) => void;
  /** Ends it. */
  readonly signal: AbortSignal;
  readonly now?: () => number;
  readonly random?: () => number;
}

/** A timer stands still while the machine sleeps, so the clock is looked at this often. Milliseconds. */
const lookEvery = 30_000;
const firstWait = 1_000;

/**
 * Renews from two thirds of a certificate's life on, until it is told to end. After a failure it waits, twice as long each time, at most
 * a twelfth of the life; the certificate in place is valid meanwhile. Rejects with CERTIFICATE_EXPIRED once that has ended and nothing
 * else can get another one.
 */
export async function keepIdentity(options: KeepOptions): Promise<void> {
  const { enrolAnew, onRenewed, onFailed, signal, now = Date.now, random = Math.random } = options;
  let held = options.identity;
  let failures = 0;
  let next = renewalOf(held);
  for (;;) {
    await sleepUntil(next, now, signal);
    if (signal.aborted) return;
    const hasEnded = now() >= held.notAfter;
    if (hasEnded && enrolAnew === undefined) throw ended(held);
    try {
      held = await (hasEnded && enrolAnew ? enrolAnew() : options.renew());
      failures = 0;
      next = renewalOf(held);
      onRenewed(held);
    } catch (error) {
      failures += 1;
      next = now() + backOff(failures, held, random());
      onFailed(toCountersignError(error, 'INTERNAL', 'Renewing failed.'), next);
    }
  }
}

function renewalOf({ notBefore, notAfter }: ClientIdentity): number {
  return notAfter - (notAfter - notBefore) / 3;
}

/** Spread by a quarter, so that a fleet that lost its gate does not come back at one moment. */
function backOff(failures: number, { notBefore, notAfter }: ClientIdentity, random: number): number {
  const longest = Math.max(firstWait, (notAfter - notBefore) / 12);
  return Math.min(firstWait * 2 ** (failures - 1), longest) * (0.75 + random / 2);
}

async function sleepUntil(time: number, now: () => number, signal: AbortSignal): Promise<void> {
  while (!signal.aborted && now() < time) await sleep(Math.min(time - now(), lookEvery), signal);
}

function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(end, ms);
    function end(): void {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      resolve();
    }
    signal.addEventListener('abort', end, { once: true });
  });
}

function ended({ notAfter }: ClientIdentity): CountersignError {
  return new CountersignError(
    'CERTIFICATE_EXPIRED',
    `The certificate ended at ${new Date(notAfter).toISOString()} and could not be renewed. Enrol anew, with another join token.`,
  );
}
