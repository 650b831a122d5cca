import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  decodeEntryBundle,
  encodeEntryBundle,
  entriesPath,
  parseTilePath,
  tilePath,
} from '../../src/tlog/tile.ts';

const internal = expect.objectContaining({ code: 'INTERNAL' }) as unknown as Error;

describe('a tile path', () => {
  it.each([
    [tilePath(0, 0), 'tile/0/000'],
    [tilePath(0, 999), 'tile/0/999'],
    [tilePath(1, 1_000), 'tile/1/x001/000'],
    [tilePath(2, 1_234_067), 'tile/2/x001/x234/067'],
    [tilePath(0, 1_234_067, 112), 'tile/0/x001/x234/067.p/112'],
    [tilePath(63, 7, 256), 'tile/63/007'],
    [tilePath(0, Number.MAX_SAFE_INTEGER), 'tile/0/x009/x007/x199/x254/x740/991'],
    [entriesPath(273, 1), 'tile/entries/273.p/1'],
    [entriesPath(4_096), 'tile/entries/x004/096'],
  ])('is written as tlog-tiles says: %s', (path, expected) => {
    expect(path).toBe(expected);
  });

  it('reads back as what it was written from', () => {
    const width = fc.integer({ min: 1, max: 256 });
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 63 }), fc.maxSafeNat(), width, (level, index, width) => {
        expect(parseTilePath(tilePath(level, index, width))).toEqual({ kind: 'hashes', level, index, width });
        expect(parseTilePath(entriesPath(index, width))).toEqual({ kind: 'entries', index, width });
      }),
    );
  });

  it.each([
    '',
    'tile/0',
    'tile/0/',
    'tile/0/00',
    'tile/0/0000',
    'tile/00/000',
    'tile/64/000',
    'tile/-1/000',
    'tile/0/x000/000',
    'tile/0/x000/x001/000',
    'tile/0/001/000',
    'tile/0/x001',
    'tile/0/x1/000',
    'tile/0/000.p/0',
    'tile/0/000.p/01',
    'tile/0/000.p/256',
    'tile/0/000.p/257',
    'tile/0/000.p/',
    'tile/0/000.p',
    'tile/0/000/',
    '/tile/0/000',
    'tile/0/000\n',
    'tile/0/٠٠٠',
    'tile/data/000',
    'tile/0/../entries/000',
    'tile/0/x009/x007/x199/x254/x740/992',
    `tile/0/${'x999/'.repeat(200)}999`,
  ])('in any other spelling is refused: %j', (path) => {
    expect(parseTilePath(path)).toBeUndefined();
  });

  it('is not written for a tile that cannot be', () => {
    for (const level of [-1, 64, 0.5, NaN]) expect(() => tilePath(level, 0)).toThrow(internal);
    for (const index of [-1, 0.5, NaN, 2 ** 53]) expect(() => tilePath(0, index)).toThrow(internal);
    for (const width of [0, 257, 0.5, NaN]) expect(() => entriesPath(0, width)).toThrow(internal);
  });
});

describe('an entry bundle', () => {
  const entry = fc.uint8Array({ maxLength: 70 });

  it('is each entry behind its big-endian length', () => {
    const bundle = encodeEntryBundle([Uint8Array.of(1, 2, 3), new Uint8Array(0), new Uint8Array(258)]);
    expect([...bundle.subarray(0, 9)]).toEqual([0, 3, 1, 2, 3, 0, 0, 1, 2]);
    expect(bundle.length).toBe(2 + 3 + 2 + 2 + 258);
  });

  it('gives back the entries it was made of', () => {
    fc.assert(
      fc.property(fc.array(entry, { minLength: 1, maxLength: 256 }), (entries) => {
        expect(decodeEntryBundle(encodeEntryBundle(entries))).toEqual(entries);
      }),
    );
    const largest = [new Uint8Array(65_535)];
    expect(decodeEntryBundle(encodeEntryBundle(largest))).toEqual(largest);
  });

  it('decodes any bytes to the one bundle that encodes to them, or to nothing', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64, max: 6 }), (bytes) => {
        const entries = decodeEntryBundle(bytes);
        if (entries !== undefined) expect(encodeEntryBundle(entries)).toEqual(bytes);
      }),
    );
  });

  it('that is cut off or carries more is refused', () => {
    const bundle = encodeEntryBundle([Uint8Array.of(1, 2, 3), Uint8Array.of(4)]);
    for (let length = 0; length < bundle.length; length++) {
      // Cut between two entries it is a bundle of one: how many there are is the tile's width to say.
      expect(decodeEntryBundle(bundle.subarray(0, length))?.length).toBe(length === 5 ? 1 : undefined);
    }
    expect(decodeEntryBundle(Uint8Array.of(...bundle, 0))).toBeUndefined();
    expect(decodeEntryBundle(new Uint8Array(2 * 257))).toBeUndefined();
    expect(decodeEntryBundle(new Uint8Array(2 * 256))?.length).toBe(256);
  });

  it('is not made of an entry that its length cannot name, nor of none, nor of 257', () => {
    expect(() => encodeEntryBundle([new Uint8Array(65_536)])).toThrow(
      expect.objectContaining({ code: 'TOO_LARGE' }),
    );
    expect(() => encodeEntryBundle([])).toThrow(internal);
    expect(() => encodeEntryBundle(Array.from({ length: 257 }, () => new Uint8Array(0)))).toThrow(internal);
  });
});
