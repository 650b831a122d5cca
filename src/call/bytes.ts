import { hostBytes } from './host.ts';
import { portableBytes } from './portable-bytes.ts';

/** Bytes and their texts, alike in every runtime. Both directions are on the path of every call. */
const codec = hostBytes ?? portableBytes;
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Lower-case hexadecimal. */
export function hex(bytes: Uint8Array): string {
  return codec.hex(bytes);
}

/** Strict hexadecimal of either case; undefined for an odd length or any other character. */
export function fromHex(text: string): Uint8Array<ArrayBuffer> | undefined {
  if (text.length % 2 !== 0 || /[^0-9a-fA-F]/.test(text)) return undefined;
  const bytes = new Uint8Array(text.length / 2);
  for (let i = 0; i < bytes.length; i++) bytes[i] = Number.parseInt(text.slice(2 * i, 2 * i + 2), 16);
  return bytes;
}

/** Base64 with the standard alphabet and padding (RFC 4648 section 4). */
export function base64(bytes: Uint8Array): string {
  return codec.base64(bytes);
}

/** Base64 for URLs, without padding (RFC 4648 section 5). */
export function base64url(bytes: Uint8Array): string {
  return base64(bytes).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}

/**
 * Strict base64: standard alphabet, padding present, unused bits zero, so that each byte string has exactly one text.
 * Undefined for anything else.
 */
export function fromBase64(text: string): Uint8Array<ArrayBuffer> | undefined {
  const bytes = codec.fromBase64(text);
  return codec.base64(bytes) === text ? bytes : undefined;
}

/** UTF-8. A lone surrogate becomes U+FFFD, as everywhere in the web platform. */
export function utf8(text: string): Uint8Array<ArrayBuffer> {
  return codec.utf8(text);
}

/** The text of UTF-8 bytes, a BOM kept as a character; undefined if they are not UTF-8. */
export function fromUtf8(bytes: Uint8Array): string | undefined {
  try {
    return decoder.decode(bytes);
  } catch {
    return undefined;
  }
}

export function concatBytes(...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  let length = 0;
  for (const part of parts) length += part.length;
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/** Equality of two public byte strings. Not in constant time: never for secrets. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}
