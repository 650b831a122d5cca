import { CountersignError } from '../errors.ts';

/** How many denials of one key are signed: this many at once, and then so many a second. */
const burst = 1_000;
const perSecond = 10;

/** Keeps one key from filling the log with its own denials. */
export interface DenialQuota {
  /** Throws DENIALS_OVER_QUOTA when this key has used up its share. `now` is monotonic milliseconds. */
  take(apiKeyId: string, now: number): void;
}

export function createDenialQuota(): DenialQuota {
  const buckets = new Map<string, { left: number; at: number }>();
  return {
    take(apiKeyId, now) {
      const bucket = buckets.get(apiKeyId) ?? { left: burst, at: now };
      buckets.set(apiKeyId, bucket);
      bucket.left = Math.min(burst, bucket.left + ((now - bucket.at) / 1_000) * perSecond);
      bucket.at = now;
      if (bucket.left < 1) {
        throw new CountersignError(
          'DENIALS_OVER_QUOTA',
          'The call is denied, and so many were before it that their verdicts are only counted for a while.',
        );
      }
      bucket.left -= 1;
    },
  };
}
