import { concatBytes, utf8 } from '../call/bytes.ts';
import { tag } from './der.ts';

/** Writers of DER, enough for certificates and timestamp tokens. */

/** One element: identifier, minimal length, the parts as its content. */
export function tlv(identifier: number, ...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  return concatBytes(Uint8Array.of(identifier, ...lengthBytes(length)), ...parts);
}

function lengthBytes(length: number): number[] {
  if (length < 0x80) return [length];
  const bytes: number[] = [];
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) bytes.unshift(rest % 256);
  return [0x80 | bytes.length, ...bytes];
}

export function sequence(...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  return tlv(tag.sequence, ...parts);
}

/** A SET OF whose members are already in DER order. */
export function set(...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  return tlv(tag.set, ...parts);
}

export function octetString(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return tlv(tag.octetString, bytes);
}

/** A BIT STRING of whole bytes. */
export function bitString(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return tlv(tag.bitString, Uint8Array.of(0), bytes);
}

export function smallInteger(value: number): Uint8Array<ArrayBuffer> {
  if (!Number.isInteger(value) || value < 0 || value > 127) throw new RangeError('not a small integer');
  return tlv(tag.integer, Uint8Array.of(value));
}

/** A non-negative INTEGER of up to 53 bits, minimal. */
export function integer(value: number): Uint8Array<ArrayBuffer> {
  if (!Number.isSafeInteger(value) || value < 0) throw new RangeError('not a non-negative integer');
  const bytes = [value % 256];
  for (let rest = Math.floor(value / 256); rest > 0; rest = Math.floor(rest / 256)) bytes.unshift(rest % 256);
  // A leading one bit would be a sign.
  return tlv(tag.integer, Uint8Array.from((bytes[0] ?? 0) >= 0x80 ? [0, ...bytes] : bytes));
}

export function oid(dotted: string): Uint8Array<ArrayBuffer> {
  const [root = 0, second = 0, ...rest] = dotted.split('.').map(Number);
  return tlv(tag.oid, Uint8Array.from([root * 40 + second, ...rest].flatMap(base128)));
}

function base128(value: number): number[] {
  const bytes = [value % 128];
  for (let rest = Math.floor(value / 128); rest > 0; rest = Math.floor(rest / 128)) {
    bytes.unshift(0x80 | (rest % 128));
  }
  return bytes;
}

export function utf8String(text: string): Uint8Array<ArrayBuffer> {
  return tlv(tag.utf8String, utf8(text));
}

/** UTCTime through 2049, GeneralizedTime from 2050 on (RFC 5280 §4.1.2.5); whole seconds, rounded down. */
export function time(milliseconds: number): Uint8Array<ArrayBuffer> {
  const text = timeDigits(milliseconds);
  return text < '2050' ? tlv(tag.utcTime, utf8(text.slice(2))) : tlv(tag.generalizedTime, utf8(text));
}

/** `YYYYMMDDHHMMSSZ`, whole seconds, rounded down. */
export function timeDigits(milliseconds: number): string {
  return `${new Date(milliseconds).toISOString().slice(0, 19).replaceAll(/[-T:]/g, '')}Z`;
}
