import { base64url, concatBytes, fromBase64, utf8 } from '../../../call/sha256.ts';
import { randomBytes } from '../../../call/random.ts';

/**
 * Challenges for whoever is not known yet. Nothing is remembered of one that is given out, as anybody may ask for as many as they
 * like; what is remembered is that one was used.
 */
export interface Challenges {
  /** Base64url. */
  issue(purpose: string): Promise<string>;
  /** Whether it was issued here, for this, not long ago. */
  isGenuine(purpose: string, challenge: string): Promise<boolean>;
  /** True once for each challenge: after what was signed has been verified. */
  use(challenge: string): boolean;
}

/** Milliseconds that a person has. */
export const challengeLifetime = 5 * 60_000;

const timeLength = 8;
const randomLength = 24;
const headLength = timeLength + randomLength;

type HmacKey = Awaited<ReturnType<typeof crypto.subtle.importKey>>;

export function createChallenges(now: () => number): Challenges {
  // Of this process alone: what it has issued ends with it.
  let key: Promise<HmacKey> | undefined;
  const used = new Map<string, number>();

  const keyOfProcess = (): Promise<HmacKey> =>
    (key ??= crypto.subtle.importKey('raw', randomBytes(32), { name: 'HMAC', hash: 'SHA-256' }, false, [
      'sign',
      'verify',
    ]));
  return {
    async issue(purpose) {
      const time = new Uint8Array(timeLength);
      new DataView(time.buffer).setBigUint64(0, BigInt(now()));
      const head = concatBytes(time, randomBytes(randomLength));
      const mac = await crypto.subtle.sign('HMAC', await keyOfProcess(), concatBytes(head, utf8(purpose)));
      return base64url(concatBytes(head, new Uint8Array(mac)));
    },
    async isGenuine(purpose, challenge) {
      const bytes = fromBase64url(challenge);
      if (bytes?.length !== headLength + 32) return false;
      const said = concatBytes(bytes.subarray(0, headLength), utf8(purpose));
      if (!(await crypto.subtle.verify('HMAC', await keyOfProcess(), bytes.slice(headLength), said)))
        return false;
      const issuedAt = Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0));
      return issuedAt <= now() && now() < issuedAt + challengeLifetime && !used.has(challenge);
    },
    use(challenge) {
      for (const [each, until] of used) if (until <= now()) used.delete(each);
      if (used.has(challenge)) return false;
      used.set(challenge, now() + challengeLifetime);
      return true;
    },
  };
}

/** Undefined for what is no base64url without padding. */
export function fromBase64url(text: string): Uint8Array<ArrayBuffer> | undefined {
  if (!/^[\w-]*$/.test(text)) return undefined;
  const padding = '='.repeat((4 - (text.length % 4)) % 4);
  return fromBase64(text.replaceAll('-', '+').replaceAll('_', '/') + padding);
}
