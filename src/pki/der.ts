import { CountersignError } from '../errors.ts';

/**
 * A reader of strict DER (X.690 §10, §11). BER's freedoms are how two parsers come to read two certificates from the
 * same bytes, so none is taken: lengths are definite and minimal, tags are single bytes, nothing trails.
 */

export const tag = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  null: 0x05,
  oid: 0x06,
  utf8String: 0x0c,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
  /** `[n]`, constructed. */
  context: (n: number): number => 0xa0 | n,
  /** `[n] IMPLICIT` of a primitive type. */
  contextPrimitive: (n: number): number => 0x80 | n,
} as const;

export interface DerElement {
  readonly tag: number;
  readonly content: Uint8Array;
  /** Identifier, length and content: a view of the parsed bytes. */
  readonly raw: Uint8Array;
}

export function malformed(what: string): CountersignError {
  return new CountersignError('FRAME_INVALID', `not valid DER: ${what}`);
}

/** Reads the elements of one constructed value in order. Every method throws FRAME_INVALID. */
export class DerReader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get done(): boolean {
    return this.#at === this.#bytes.length;
  }

  /** The next element, whatever it is. */
  next(): DerElement {
    const bytes = this.#bytes;
    const start = this.#at;
    const identifier = bytes[start];
    if (identifier === undefined) throw malformed('an element is missing');
    if ((identifier & 0x1f) === 0x1f) throw malformed('a tag of several bytes');
    let at = start + 1;
    let length = bytes[at++];
    if (length === undefined) throw malformed('cut off in a length');
    if (length >= 0x80) {
      const count = length & 0x7f;
      if (count === 0 || count > 4) throw malformed('a length that is indefinite or too large');
      length = 0;
      for (let i = 0; i < count; i++) {
        const byte = bytes[at++];
        if (byte === undefined) throw malformed('cut off in a length');
        if (i === 0 && byte === 0) throw malformed('a length with a leading zero');
        length = length * 256 + byte;
      }
      if (length < 0x80) throw malformed('a length that is not minimal');
    }
    const end = at + length;
    if (end > bytes.length) throw malformed('an element longer than what holds it');
    this.#at = end;
    return { tag: identifier, content: bytes.subarray(at, end), raw: bytes.subarray(start, end) };
  }

  read(expected: number): DerElement {
    if (this.#bytes[this.#at] !== expected) throw malformed('an element of another type than expected');
    return this.next();
  }

  optional(expected: number): DerElement | undefined {
    return this.#bytes[this.#at] === expected ? this.next() : undefined;
  }

  /** A reader of the next element's content. */
  enter(expected: number): DerReader {
    return new DerReader(this.read(expected).content);
  }

  end(): void {
    if (!this.done) throw malformed('more elements than expected');
  }

  /** All remaining elements, at most `max` of them. */
  all(expected: number, max: number): DerElement[] {
    const elements: DerElement[] = [];
    while (!this.done) {
      if (elements.length === max) throw malformed('too many elements');
      elements.push(this.read(expected));
    }
    return elements;
  }
}
