import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  decodeStatementBundle,
  encodeStatementBundle,
  statementsPath,
} from '../../src/evidence/statement-bundle.ts';
import { fromHex, hex } from '../../src/call/sha256.ts';

const records = fc.array(
  fc.record({ payload: fc.uint8Array({ maxLength: 300 }), timestamp: fc.uint8Array({ maxLength: 300 }) }),
  { minLength: 1, maxLength: 20 },
);

describe('a bundle of statements', () => {
  it('is written as the format says', () => {
    const bundle = encodeStatementBundle([
      { payload: Uint8Array.of(1, 2, 3), timestamp: Uint8Array.of(4) },
      { payload: Uint8Array.of(), timestamp: Uint8Array.of(5, 6) },
    ]);
    expect(hex(bundle)).toBe('00000003010203' + '000104' + '00000000' + '00020506');
  });

  it('is read back as it was written', () => {
    fc.assert(
      fc.property(records, (given) => {
        const read = decodeStatementBundle(encodeStatementBundle(given));
        expect(read?.map(({ payload, timestamp }) => [hex(payload), hex(timestamp)])).toEqual(
          given.map(({ payload, timestamp }) => [hex(payload), hex(timestamp)]),
        );
      }),
    );
  });

  it('has one spelling: whatever reads, is written the same', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
        const read = decodeStatementBundle(bytes);
        if (read !== undefined) expect(encodeStatementBundle(read)).toEqual(bytes);
      }),
    );
  });

  it.each([
    '',
    '00',
    '00000001',
    '0000000101',
    '000000010100',
    '00000000000001',
    'ffffffff00',
    '0000000000' + '0000ff',
  ])('is refused when it is cut or goes on: %s', (text) => {
    expect(decodeStatementBundle(fromHex(text)!)).toBeUndefined();
  });

  it('holds 256 statements and no more', () => {
    const one = { payload: Uint8Array.of(1), timestamp: Uint8Array.of(2) };
    const full = Array.from({ length: 256 }, () => one);
    expect(decodeStatementBundle(encodeStatementBundle(full))).toHaveLength(256);
    expect(decodeStatementBundle(encodeStatementBundle([...full, one]))).toBeUndefined();
  });

  it('is named like the entries that it belongs to', () => {
    expect(statementsPath(1_234_067, 8)).toBe('tile/statements/x001/x234/067.p/8');
  });
});
