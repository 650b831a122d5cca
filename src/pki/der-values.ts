import { fromUtf8 } from '../call/bytes.ts';
import { malformed, tag } from './der.ts';
import type { DerElement } from './der.ts';

/** Decoders of single values. Each throws FRAME_INVALID for every spelling but the one that DER allows. */

export function decodeBoolean({ content }: DerElement): boolean {
  const byte = content[0];
  if (content.length !== 1 || (byte !== 0 && byte !== 0xff))
    throw malformed('a BOOLEAN other than 00 and FF');
  return byte === 0xff;
}

/** The minimal two's complement bytes. */
export function decodeInteger({ content }: DerElement): Uint8Array {
  const [first, second] = content;
  if (first === undefined) throw malformed('an empty INTEGER');
  if (second !== undefined && ((first === 0 && second < 0x80) || (first === 0xff && second >= 0x80))) {
    throw malformed('an INTEGER that is not minimal');
  }
  return content;
}

/** An INTEGER from 0 to 2³¹−1. */
export function decodeSmallInteger(element: DerElement): number {
  const bytes = decodeInteger(element);
  if (bytes.length > 4 || (bytes[0] as number) >= 0x80) throw malformed('an INTEGER out of range');
  return bytes.reduce((value, byte) => value * 256 + byte, 0);
}

/** A serial number: positive, at most 20 bytes (RFC 5280 §4.1.2.2). */
export function decodeSerial(element: DerElement): Uint8Array {
  const bytes = decodeInteger(element);
  const first = bytes[0] as number;
  if (bytes.length > 20 || first >= 0x80 || (first === 0 && bytes.length === 1)) {
    throw malformed('a serial number that is not positive or too long');
  }
  return bytes;
}

export function decodeBitString({ content }: DerElement): {
  readonly bytes: Uint8Array;
  readonly unused: number;
} {
  const unused = content[0];
  if (unused === undefined || unused > 7 || (content.length === 1 && unused > 0)) {
    throw malformed('a BIT STRING with a wrong count of unused bits');
  }
  const last = content[content.length - 1] as number;
  if (content.length > 1 && (last & ((1 << unused) - 1)) !== 0) {
    throw malformed('a BIT STRING whose unused bits are set');
  }
  return { bytes: content.subarray(1), unused };
}

/** A BIT STRING of whole bytes: a key or a signature. */
export function decodeOctetBits(element: DerElement): Uint8Array {
  const { bytes, unused } = decodeBitString(element);
  if (unused !== 0) throw malformed('a BIT STRING that is not whole bytes');
  return bytes;
}

/** Dotted text. Components beyond 2⁵³ are refused. */
export function decodeOid({ content }: DerElement): string {
  const components: number[] = [];
  let value = 0;
  let inside = false;
  for (const byte of content) {
    if (!inside && byte === 0x80) throw malformed('an OBJECT IDENTIFIER that is not minimal');
    value = value * 128 + (byte & 0x7f);
    if (value > Number.MAX_SAFE_INTEGER) throw malformed('an OBJECT IDENTIFIER out of range');
    inside = byte >= 0x80;
    if (inside) continue;
    if (components.length === 0) {
      const root = Math.min(Math.floor(value / 40), 2);
      components.push(root, value - root * 40);
    } else {
      components.push(value);
    }
    value = 0;
  }
  if (inside || components.length === 0) throw malformed('an OBJECT IDENTIFIER cut off');
  return components.join('.');
}

export function decodeUtf8({ content }: DerElement): string {
  const text = fromUtf8(content);
  if (text === undefined) throw malformed('text that is not UTF-8');
  return text;
}

export function decodeAscii({ content }: DerElement): string {
  if (content.some((byte) => byte >= 0x80)) throw malformed('text that is not ASCII');
  return String.fromCharCode(...content);
}

const utcTime = /^(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/;
const generalizedTime = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(?:\.(\d{0,8}[1-9]))?Z$/;

/**
 * UTCTime or GeneralizedTime as milliseconds since 1970, in the forms that RFC 5280 §4.1.2.5 and RFC 3161 §2.4.2 leave:
 * with seconds, in Z, and a fraction (GeneralizedTime alone) that ends in no zero.
 */
export function decodeTime(element: DerElement): number {
  const text = decodeAscii(element);
  const match = (element.tag === tag.utcTime ? utcTime : generalizedTime).exec(text);
  if (match === null) throw malformed('a time in another form');
  const [year, month, day, hour, minute, second] = match.slice(1, 7).map(Number) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  const century = element.tag === tag.utcTime ? (year >= 50 ? 1900 : 2000) : 0;
  const date = new Date(0);
  date.setUTCFullYear(century + year, month - 1, day);
  date.setUTCHours(hour, minute, second);
  const real =
    date.getUTCMonth() === month - 1 && date.getUTCDate() === day && hour < 24 && minute < 60 && second < 60;
  if (!real) throw malformed('a time that does not exist');
  return date.getTime() + Math.floor(Number(`0.${match[7] ?? '0'}`) * 1000);
}
