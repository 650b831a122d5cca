import { CountersignError } from '../errors.ts';
import type { AmbiguityKind } from './json-node.ts';
import { exactDigits, numberAmbiguity } from './json-number.ts';

/** The bytes that JSON's grammar names. */
export const byteOf = {
  tab: 0x09,
  lineFeed: 0x0a,
  carriageReturn: 0x0d,
  space: 0x20,
  quote: 0x22,
  plus: 0x2b,
  comma: 0x2c,
  minus: 0x2d,
  dot: 0x2e,
  zero: 0x30,
  nine: 0x39,
  colon: 0x3a,
  upperE: 0x45,
  bracketOpen: 0x5b,
  backslash: 0x5c,
  bracketClose: 0x5d,
  lowerE: 0x65,
  lowerF: 0x66,
  lowerN: 0x6e,
  lowerT: 0x74,
  lowerU: 0x75,
  braceOpen: 0x7b,
  braceClose: 0x7d,
} as const;

/** What stands for the character after a backslash, `\u` apart. */
const escapes = new Map([
  [0x22, '"'],
  [0x5c, '\\'],
  [0x2f, '/'],
  [0x62, '\b'],
  [0x66, '\f'],
  [0x6e, '\n'],
  [0x72, '\r'],
  [0x74, '\t'],
]);

/**
 * Reads JSON's tokens off the bytes. Strings are cut from the text that all the bytes were decoded to, which is much
 * faster than decoding each: `shift` is how many more bytes than UTF-16 units there have been up to `at`.
 */
export class JsonTokens {
  readonly bytes: Uint8Array;
  /** Offset of the next byte to be read. */
  at = 0;
  /** What another parser could read differently in the string or number read last. */
  doubt: AmbiguityKind | undefined = undefined;
  private readonly text: string;
  private shift = 0;

  /** `text` is what `bytes` decode to. */
  constructor(bytes: Uint8Array, text: string) {
    this.bytes = bytes;
    this.text = text;
  }

  fail(what: string): never {
    throw new CountersignError('FRAME_INVALID', `Not JSON: ${what} at byte ${this.at}.`);
  }

  /** The next byte after any whitespace, not stepped over; undefined at the end. */
  peek(): number | undefined {
    let byte = this.bytes[this.at];
    while (
      byte === byteOf.space ||
      byte === byteOf.lineFeed ||
      byte === byteOf.carriageReturn ||
      byte === byteOf.tab
    ) {
      byte = this.bytes[++this.at];
    }
    return byte;
  }

  /** Steps over `word`, all of which must be there. */
  literal(word: 'true' | 'false' | 'null'): void {
    for (let i = 0; i < word.length; i++) {
      if (this.bytes[this.at + i] !== word.charCodeAt(i)) this.fail('a value was expected');
    }
    this.at += word.length;
  }

  /** Reads a string, from its opening quote. */
  string(): string {
    this.doubt = undefined;
    this.at++;
    const plain = this.plainCharacters();
    if (this.bytes[this.at] !== byteOf.quote) return this.stringWithEscapes(plain);
    this.at++;
    return plain;
  }

  /** Whether a string, from its opening quote, has anything but plain ASCII without capitals in it. */
  mayFold(start: number): boolean {
    for (let at = start + 1; ; at++) {
      const byte = this.bytes[at]!;
      if (byte === byteOf.quote) return false;
      if (byte > 0x7f || byte === byteOf.backslash || (byte >= 0x41 && byte <= 0x5a)) return true;
    }
  }

  /** The rest of a string of which `value` has been read. */
  private stringWithEscapes(value: string): string {
    let rest = value;
    while (this.bytes[this.at] !== byteOf.quote) {
      if (this.bytes[this.at] !== byteOf.backslash)
        this.fail('a string has no end or a raw control character');
      rest += this.escape();
      rest += this.plainCharacters();
    }
    this.at++;
    // The bytes are UTF-8: only an escape can have made half a pair.
    if (!rest.isWellFormed()) this.doubt = 'lone-surrogate';
    return rest;
  }

  /** Reads all that stands for itself in a string. */
  private plainCharacters(): string {
    const { bytes } = this;
    const end = bytes.length;
    const from = this.at - this.shift;
    let { at, shift } = this;
    for (; at < end; at++) {
      const byte = bytes[at]!;
      if (byte < 0x80) {
        if (byte === byteOf.quote || byte === byteOf.backslash || byte < 0x20) break;
      } else if (byte < 0xc0) {
        shift++;
      } else if (byte >= 0xf0) {
        // Four bytes, three of them continuations, become two units.
        shift--;
      }
    }
    this.at = at;
    this.shift = shift;
    return this.text.slice(from, at - shift);
  }

  private escape(): string {
    const name = this.bytes[this.at + 1] ?? 0;
    if (name === byteOf.lowerU) return this.unicodeEscape();
    const character = escapes.get(name);
    if (character === undefined) this.fail('an escape is unknown');
    this.at += 2;
    return character;
  }

  private unicodeEscape(): string {
    let unit = 0;
    for (let i = 2; i < 6; i++) {
      const digit = hexDigit(this.bytes[this.at + i] ?? 0);
      if (digit < 0) this.fail('an escape is not four hexadecimal digits');
      unit = unit * 16 + digit;
    }
    this.at += 6;
    return String.fromCharCode(unit);
  }

  /** Reads a number; a byte that begins no number is no value at all. */
  number(): number {
    this.doubt = undefined;
    const start = this.at;
    if (this.bytes[start] === byteOf.minus) this.at++;
    // Another digit after a leading zero is left over, and refused as what follows a value.
    if (this.bytes[this.at] === byteOf.zero) this.at++;
    else this.digits('a value was expected');
    const integerEnd = this.at;
    if (this.bytes[this.at] === byteOf.dot) {
      this.at++;
      this.digits('a fraction has no digits');
    }
    if (this.bytes[this.at] === byteOf.lowerE || this.bytes[this.at] === byteOf.upperE) {
      this.at++;
      if (this.bytes[this.at] === byteOf.plus || this.bytes[this.at] === byteOf.minus) this.at++;
      this.digits('an exponent has no digits');
    }
    const integer = this.at === integerEnd;
    const lexeme = this.text.slice(start - this.shift, this.at - this.shift);
    const value = Number(lexeme);
    if (!integer || lexeme.length > exactDigits) this.doubt = numberAmbiguity(lexeme, value, integer);
    return value;
  }

  private digits(otherwise: string): void {
    const start = this.at;
    while (isDigit(this.bytes[this.at])) this.at++;
    if (this.at === start) this.fail(otherwise);
  }
}

function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= byteOf.zero && byte <= byteOf.nine;
}

/** The value of a hexadecimal digit of either case, or -1. */
function hexDigit(byte: number): number {
  if (isDigit(byte)) return byte - byteOf.zero;
  const lower = byte | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x61 + 10 : -1;
}
