import { CountersignError, toCountersignError } from '../errors.ts';
import type { SigningIdentity } from './signer.ts';

/** How long a signing certificate lives unless configured: wall milliseconds. */
export const defaultLeafLifetime = 60 * 60 * 1000;

export interface IdentityKeeperOptions {
  /** Makes a new key and certificate, valid at `now` (wall milliseconds). */
  readonly issue: (now: number) => Promise<SigningIdentity>;
}

export interface IdentityKeeper {
  /**
   * An identity whose certificate is valid at `now` (wall milliseconds); a promise only while there is none. Throws or
   * rejects with CERTIFICATE_NOT_VALID when the clock is before the certificate's start, or when the certificate has
   * ended and cannot be renewed.
   */
  current(now: number): SigningIdentity | Promise<SigningIdentity>;
}

/** After a failed renewal the next attempt waits this part of the certificate's life. */
const retryPart = 1 / 60;

/**
 * Keeps a short-lived signing identity and renews it from two thirds of its life on. The renewal runs behind the calls:
 * the old identity signs until the new one is there, or until it ends.
 */
export function createIdentityKeeper({ issue }: IdentityKeeperOptions): IdentityKeeper {
  let held: SigningIdentity | undefined;
  let renewal: Promise<SigningIdentity> | undefined;
  let retryAt = -Infinity;

  const renew = (now: number): Promise<SigningIdentity> => {
    renewal ??= issue(now)
      .then((identity) => {
        checkValid(identity, now);
        held = identity;
        retryAt = -Infinity;
        return identity;
      })
      .finally(() => {
        renewal = undefined;
      });
    return renewal;
  };

  const renewBehind = (now: number, { notBefore, notAfter }: SigningIdentity): void => {
    if (renewal !== undefined || now < retryAt) return;
    retryAt = now + (notAfter - notBefore) * retryPart;
    // A failure shows once the held certificate ends; until then it is only tried again.
    renew(now).catch(() => undefined);
  };

  const replace = async (now: number): Promise<SigningIdentity> => {
    try {
      const identity = await renew(now);
      checkValid(identity, now);
      return identity;
    } catch (thrown) {
      throw toCountersignError(
        thrown,
        'CERTIFICATE_NOT_VALID',
        'there is no valid signing certificate, and none could be issued',
      );
    }
  };

  return {
    current(now) {
      if (held === undefined || now > held.notAfter) return replace(now);
      checkValid(held, now);
      if (now >= held.notBefore + ((held.notAfter - held.notBefore) * 2) / 3) renewBehind(now, held);
      return held;
    },
  };
}

function checkValid({ notBefore, notAfter }: SigningIdentity, now: number): void {
  if (now < notBefore) {
    throw new CountersignError(
      'CERTIFICATE_NOT_VALID',
      'the clock is before the start of the signing certificate; set the clock',
    );
  }
  if (now > notAfter)
    throw new CountersignError('CERTIFICATE_NOT_VALID', 'the signing certificate has ended');
}
