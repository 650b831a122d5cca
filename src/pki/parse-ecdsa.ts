import { DerReader, malformed, tag } from './der.ts';
import { parseDer } from './der-strict.ts';
import { decodeInteger } from './der-values.ts';

const coordinateLength = 32;
/** A SEQUENCE of two INTEGERs of 33 bytes. */
const longest = 72;

/** `r ‖ s` of a P-256 signature in DER (`Ecdsa-Sig-Value`, RFC 3279 §2.2.3), as WebCrypto takes it. Throws FRAME_INVALID. */
export function parseEcdsaSignature(der: Uint8Array): Uint8Array<ArrayBuffer> {
  const numbers = new DerReader(new DerReader(parseDer(der, longest).raw).read(tag.sequence).content);
  const raw = new Uint8Array(2 * coordinateLength);
  for (const end of [coordinateLength, 2 * coordinateLength]) {
    const bytes = decodeInteger(numbers.read(tag.integer));
    const digits = bytes[0] === 0 ? bytes.subarray(1) : bytes;
    if ((bytes[0] as number) >= 0x80 || digits.length > coordinateLength)
      throw malformed('a signature that is not one of P-256');
    raw.set(digits, end - digits.length);
  }
  numbers.end();
  return raw;
}
