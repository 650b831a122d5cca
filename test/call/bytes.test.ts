import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  base64,
  base64url,
  concatBytes,
  equalBytes,
  fromBase64,
  fromHex,
  fromUtf8,
  hex,
  sha256,
  utf8,
} from '../../src/call/sha256.ts';

const anyBytes = fc.uint8Array({ maxLength: 200 });

describe('SHA-256', () => {
  it('gives the digests that FIPS 180-4 publishes', () => {
    expect(hex(sha256(utf8('abc')))).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
    expect(hex(sha256(utf8('abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq')))).toBe(
      '248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1',
    );
  });
});

describe('base64', () => {
  it('gives the texts of RFC 4648 section 10', () => {
    const texts = ['', 'Zg==', 'Zm8=', 'Zm9v', 'Zm9vYg==', 'Zm9vYmE=', 'Zm9vYmFy'];
    texts.forEach((text, length) => {
      const bytes = utf8('foobar'.slice(0, length));
      expect(base64(bytes)).toBe(text);
      expect(fromBase64(text)).toEqual(bytes);
    });
  });

  it('agrees with the platform for any bytes, both ways', () => {
    fc.assert(
      fc.property(anyBytes, (bytes) => {
        const text = Buffer.from(bytes).toString('base64');
        expect(base64(bytes)).toBe(text);
        expect(fromBase64(text)).toEqual(bytes);
        expect(base64url(bytes)).toBe(Buffer.from(bytes).toString('base64url'));
      }),
    );
  });

  it('agrees with the platform for bytes longer than what it converts at a time', () => {
    for (const length of [12_287, 12_288, 12_289, 24_577, 100_000]) {
      const bytes = Uint8Array.from({ length }, (_, i) => i * 31);
      expect(base64(bytes)).toBe(Buffer.from(bytes).toString('base64'));
      expect(hex(bytes)).toBe(Buffer.from(bytes).toString('hex'));
      expect(fromBase64(base64(bytes))).toEqual(bytes);
    }
  });

  it.each([
    ['unused bits that are not zero, after one byte', 'AB=='],
    ['unused bits that are not zero, after two bytes', 'AAF='],
    ['missing padding', 'AA'],
    ['too much padding', 'A==='],
    ['nothing but padding', '===='],
    ['padding inside', 'AA==AA=='],
    ['a digit after padding', 'AA=A'],
    ['the alphabet of URLs', '-_-_'],
    ['a blank', 'AA A'],
    ['a line feed at the end', 'AAA\n'],
    ['a character whose low byte is in the alphabet', 'AAA\u0141'],
    ['a character beyond Latin-1 that pads', 'AAA\u023d'],
  ])('refuses %s', (_, text) => {
    expect(fromBase64(text)).toBeUndefined();
  });

  it('has one text for each byte string', () => {
    const digit = fc.constantFrom(...'ABCDwxyz0189+/=');
    fc.assert(
      fc.property(fc.string({ unit: digit, minLength: 4, maxLength: 8 }), (text) => {
        const bytes = fromBase64(text);
        if (bytes !== undefined) expect(base64(bytes)).toBe(text);
      }),
    );
  });
});

describe('hexadecimal', () => {
  it('comes back as it went, and reads capitals', () => {
    fc.assert(
      fc.property(anyBytes, (bytes) => {
        expect(hex(bytes)).toBe(Buffer.from(bytes).toString('hex'));
        expect(fromHex(hex(bytes))).toEqual(bytes);
        expect(fromHex(hex(bytes).toUpperCase())).toEqual(bytes);
      }),
    );
  });

  it.each(['0', '0g', 'g0', '-1', ' 1', '0x', '\u01300'])('refuses %j', (text) => {
    expect(fromHex(text)).toBeUndefined();
  });
});

describe('UTF-8', () => {
  it('keeps a byte order mark, so that nobody overlooks one', () => {
    expect(fromUtf8(Uint8Array.of(0xef, 0xbb, 0xbf, 0x61))).toBe('\ufeffa');
  });

  it('is not read from overlong forms, surrogates or cut sequences', () => {
    for (const bytes of [[0xc0, 0xaf], [0xed, 0xa0, 0x80], [0xe2, 0x82], [0xf4, 0x90, 0x80, 0x80], [0xff]]) {
      expect(fromUtf8(Uint8Array.from(bytes))).toBeUndefined();
    }
  });
});

it('concatenates and compares bytes', () => {
  const joined = concatBytes(Uint8Array.of(1), new Uint8Array(0), Uint8Array.of(2, 3));
  expect(joined).toEqual(Uint8Array.of(1, 2, 3));
  expect(equalBytes(joined, Uint8Array.of(1, 2, 3))).toBe(true);
  expect(equalBytes(joined, Uint8Array.of(1, 2, 4))).toBe(false);
  expect(equalBytes(joined, Uint8Array.of(1, 2))).toBe(false);
});
