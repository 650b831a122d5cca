import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DerReader, tag } from '../../src/pki/der.ts';
import { parseDer } from '../../src/pki/der-strict.ts';
import {
  decodeBitString,
  decodeOid,
  decodeSerial,
  decodeSmallInteger,
  decodeTime,
} from '../../src/pki/der-values.ts';
import type { DerElement } from '../../src/pki/der.ts';
import { oid, sequence, time, tlv } from '../../src/pki/der-write.ts';
import { CountersignError } from '../../src/errors.ts';

const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text.replaceAll(' ', ''), 'hex'));
const element = (text: string): DerElement => new DerReader(bytes(text)).next();
const invalid = expect.objectContaining({ code: 'FRAME_INVALID' });
const text = (identifier: number, content: string): DerElement =>
  new DerReader(tlv(identifier, new TextEncoder().encode(content))).next();

describe('the DER reader refuses what BER leaves free', () => {
  it.each([
    ['an indefinite length', '30 80 00 00'],
    ['a long form where the short one fits', '04 81 01 00'],
    ['a length with a leading zero', `04 82 00 80 ${'00'.repeat(128)}`],
    ['a length beyond the end', '04 02 00'],
    ['a length of five bytes', '04 85 01 00 00 00 00'],
    ['a reserved length', '04 ff'],
    ['no length', '04'],
    ['nothing', ''],
    ['bytes after the element', '05 00 00'],
    ['a tag of several bytes', '1f 81 00 00'],
    ['an end-of-contents', '30 02 00 00'],
    ['a string in pieces', '24 03 04 01 00'],
    ['a primitive SEQUENCE', '10 00'],
    ['a BOOLEAN of another value', '01 01 01'],
    ['a NULL with content', '05 01 00'],
    ['a padded INTEGER', '02 02 00 7f'],
    ['a padded negative INTEGER', '02 02 ff 80'],
    ['an empty INTEGER', '02 00'],
    ['an empty BIT STRING', '03 00'],
    ['eight unused bits', '03 02 08 00'],
    ['unused bits that are set', '03 02 01 01'],
    ['unused bits of nothing', '03 01 01'],
    ['an OBJECT IDENTIFIER with a leading zero', '06 02 80 01'],
    ['an OBJECT IDENTIFIER cut off', '06 02 2a 86'],
    ['an empty OBJECT IDENTIFIER', '06 00'],
    ['an OBJECT IDENTIFIER beyond exact numbers', '06 0a 2a ff ff ff ff ff ff ff ff 7f'],
    ['a SET out of order', '31 06 02 01 02 02 01 01'],
    ['any of it further down', '30 06 30 04 04 81 01 00'],
  ])('%s', (_what, hex) => {
    expect(() => parseDer(bytes(hex), 1000)).toThrow(invalid);
  });

  it('a nesting deeper than any certificate, without running out of stack', () => {
    let nested: Uint8Array = new Uint8Array(0);
    for (let i = 0; i < 5000; i++) nested = sequence(nested);
    expect(() => parseDer(nested, 100_000)).toThrow(invalid);
  });

  it('more bytes than its caller allows', () => {
    expect(() => parseDer(sequence(new Uint8Array(0)), 1)).toThrow(invalid);
  });
});

describe('DER values', () => {
  it.each([
    '1.2.840.10045.4.3.2',
    '2.16.840.1.101.3.4.2.1',
    '2.5.29.17',
    '1.3.6.1.4.1.57264.1.8',
    '0.0',
    '2.999.3',
  ])('read the object identifier %s as it was written', (dotted) => {
    expect(decodeOid(new DerReader(oid(dotted)).next())).toBe(dotted);
  });

  it('take no serial number that is zero, negative or longer than 20 bytes', () => {
    for (const serial of ['02 01 00', '02 01 80', `02 15 01 ${'00'.repeat(20)}`]) {
      expect(() => decodeSerial(element(serial))).toThrow(invalid);
    }
    expect(decodeSerial(element('02 02 00 80'))).toEqual(bytes('00 80'));
  });

  it('read small integers up to 2^31-1', () => {
    expect(decodeSmallInteger(element('02 04 7f ff ff ff'))).toBe(2 ** 31 - 1);
    expect(() => decodeSmallInteger(element('02 05 00 80 00 00 00'))).toThrow(invalid);
    expect(() => decodeSmallInteger(element('02 01 ff'))).toThrow(invalid);
  });

  it('count unused bits', () => {
    expect(decodeBitString(element('03 02 07 80'))).toEqual({ bytes: bytes('80'), unused: 7 });
  });

  it('take UTCTime years below 50 as of this century', () => {
    expect(decodeTime(text(tag.utcTime, '491231235959Z'))).toBe(Date.UTC(2049, 11, 31, 23, 59, 59));
    expect(decodeTime(text(tag.utcTime, '500101000000Z'))).toBe(Date.UTC(1950, 0, 1));
  });

  it('take fractions of a second down to milliseconds', () => {
    expect(decodeTime(text(tag.generalizedTime, '20261121211731.603Z'))).toBe(
      Date.UTC(2026, 10, 21, 21, 17, 31, 603),
    );
    expect(decodeTime(text(tag.generalizedTime, '20261121211731.6039Z'))).toBe(
      Date.UTC(2026, 10, 21, 21, 17, 31, 603),
    );
  });

  it.each([
    [tag.utcTime, '2611212117Z'],
    [tag.utcTime, '261121211731+0000'],
    [tag.utcTime, '260229000000Z'],
    [tag.utcTime, '261121240000Z'],
    [tag.utcTime, '261121000060Z'],
    [tag.generalizedTime, '20261121211731.60Z'],
    [tag.generalizedTime, '20261121211731.Z'],
    [tag.generalizedTime, '20261121211731'],
    [tag.generalizedTime, '20261321000000Z'],
  ])('refuse the time %i %s', (identifier, digits) => {
    expect(() => decodeTime(text(identifier, digits))).toThrow(invalid);
  });

  it('read back every second that was written', () => {
    const last = Date.UTC(9999, 11, 31);
    fc.assert(
      fc.property(fc.integer({ min: Date.UTC(1950, 0, 1) / 1000, max: last / 1000 }), (second) => {
        // Years before 1950 have no UTCTime; those from 2050 on are written as GeneralizedTime.
        expect(decodeTime(new DerReader(time(second * 1000)).next())).toBe(second * 1000);
      }),
    );
  });
});

it('the DER reader answers any bytes with an element or FRAME_INVALID', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), (input) => {
      try {
        expect(parseDer(input, 64).raw).toEqual(input);
      } catch (error) {
        expect(error).toBeInstanceOf(CountersignError);
        expect(error).toMatchObject({ code: 'FRAME_INVALID' });
      }
    }),
    { numRuns: 2000 },
  );
});
