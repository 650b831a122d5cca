import { concatBytes, utf8 } from './bytes.ts';
import { canonicalJson } from './canonical-json.ts';
import type { Json } from './json.ts';
import { randomBytes } from './random.ts';
import { sha256 } from './sha256.ts';

/** Bytes of a salt. All salts are equally long, so that salt and value cannot be cut apart elsewhere. */
export const saltLength = 16;

/** A fresh random salt. Values are guessable: without it a commitment to one would be its disclosure. */
export function newSalt(): Uint8Array<ArrayBuffer> {
  return randomBytes(saltLength);
}

/** SHA-256(salt ‖ bytes). `salt` must be 16 bytes: a wrong length is a fault of the program. */
export function commit(salt: Uint8Array, bytes: Uint8Array): Uint8Array {
  if (salt.length !== saltLength) throw new RangeError(`A salt has ${saltLength} bytes.`);
  return sha256(concatBytes(salt, bytes));
}

/**
 * A commitment to a JSON value whatever its text was: over its canonical form (RFC 8785).
 *
 * @throws CountersignError `ARGUMENTS_AMBIGUOUS` if the value has no canonical form.
 */
export function commitJson(salt: Uint8Array, value: Json): Uint8Array {
  return commit(salt, utf8(canonicalJson(value)));
}
