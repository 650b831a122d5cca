import { base64, concatBytes, equalBytes, fromBase64, fromHex, hex, sha256, utf8 } from '../call/sha256.ts';
import { publicKeyLength } from './ed25519.ts';

/** Signature types of https://c2sp.org/signed-note that this log uses. */
export const signatureTypes = { ed25519: 0x01, cosignatureV1: 0x04 } as const;

export type SignatureType = (typeof signatureTypes)[keyof typeof signatureTypes];

/** A key that a reader trusts to sign notes under a name. */
export interface VerifierKey {
  readonly name: string;
  readonly type: SignatureType;
  /** 32 bytes. */
  readonly publicKey: Uint8Array;
}

/** Bytes of a key id in a note; the full id of a log is 32 bytes. */
export const keyIdLength = 4;

const namePattern = /^[^\s\u0085+\0-\x1f]+$/u;

/** Whether a signature line can carry the name: not empty, no space of any script, no plus, no control character. */
export function isKeyName(name: string): boolean {
  return namePattern.test(name) && name.isWellFormed();
}

/**
 * SHA-256(name ‖ "\n" ‖ type ‖ public key): 32 bytes, the `logId.keyId` of a Sigstore bundle. Its first four are the key
 * id in a note.
 */
export function keyId(
  name: string,
  publicKey: Uint8Array,
  type: SignatureType = signatureTypes.ed25519,
): Uint8Array {
  return sha256(concatBytes(utf8(`${name}\n`), Uint8Array.of(type), publicKey));
}

/** The four bytes by which a note's signature line names the key. */
export function noteKeyId(key: VerifierKey): Uint8Array {
  return keyId(key.name, key.publicKey, key.type).subarray(0, keyIdLength);
}

/** `<name>+<hex of the key id>+<base64 of type ‖ public key>`. */
export function formatVkey(key: VerifierKey): string {
  return `${key.name}+${hex(noteKeyId(key))}+${base64(concatBytes(Uint8Array.of(key.type), key.publicKey))}`;
}

/** Strict: undefined unless one of our two types, a 32-byte key, and the key id that belongs to them. */
export function parseVkey(text: string): VerifierKey | undefined {
  const [, name, idText, keyText] = /^([^+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/=]+)$/u.exec(text) ?? [];
  if (name === undefined || idText === undefined || keyText === undefined || !isKeyName(name))
    return undefined;
  const id = fromHex(idText);
  const typed = fromBase64(keyText);
  const type = Object.values(signatureTypes).find((known) => known === typed?.[0]);
  if (id === undefined || typed === undefined || type === undefined) return undefined;
  if (typed.length !== 1 + publicKeyLength) return undefined;
  const key = { name, type, publicKey: typed.subarray(1) };
  return equalBytes(noteKeyId(key), id) ? key : undefined;
}
