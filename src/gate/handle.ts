import { canonicalJson } from '../call/canonical-json.ts';
import { randomBytes } from '../call/random.ts';
import { base64url, hex, sha256, utf8 } from '../call/sha256.ts';

/** What a handle is good for: this key's report on this call with these bytes, until then. */
export interface Bound {
  readonly apiKeyId: string;
  readonly callId: string;
  /** Hex. */
  readonly paramsSha256: string;
  /** Wall milliseconds. */
  readonly settleBy: number;
}

const handleBytes = 32;

/** 256 random bits, base64url: told once, to the one who asked. */
export function newHandle(): string {
  return base64url(randomBytes(handleBytes));
}

/** What is kept in a handle's stead: who reads it out of memory or a dump has no handle, and it fits no other call. */
export function bindingOf(handle: string, { apiKeyId, callId, paramsSha256, settleBy }: Bound): string {
  return hex(sha256(utf8(canonicalJson({ apiKeyId, callId, handle, paramsSha256, settleBy }))));
}
