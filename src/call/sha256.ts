import { sha256 as digest } from '@noble/hashes/sha2.js';
import { hostSha256 } from './host.ts';

export {
  base64,
  base64url,
  concatBytes,
  equalBytes,
  fromBase64,
  fromHex,
  fromUtf8,
  hex,
  utf8,
} from './bytes.ts';

/** SHA-256 of `bytes`: 32 bytes. Synchronous in every runtime, as the log's transaction must not await. */
export const sha256: (bytes: Uint8Array) => Uint8Array = hostSha256 ?? digest;
