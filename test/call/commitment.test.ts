import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { concatBytes, hex, utf8 } from '../../src/call/bytes.ts';
import { commit, commitJson, newSalt } from '../../src/call/commitment.ts';
import { randomBytes } from '../../src/call/random.ts';

describe('a commitment', () => {
  it('is SHA-256 over salt and bytes', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 16, maxLength: 16 }),
        fc.uint8Array({ maxLength: 300 }),
        (salt, bytes) => {
          const digest = createHash('sha256').update(salt).update(bytes).digest('hex');
          expect(hex(commit(salt, bytes))).toBe(digest);
        },
      ),
    );
  });

  it('to a JSON value is over its canonical form, so that the text does not matter', () => {
    const salt = newSalt();
    expect(commitJson(salt, { b: 1.0, a: '\u0041' })).toEqual(commit(salt, utf8('{"a":"A","b":1}')));
  });

  it('takes no salt of another length: salt and value could be cut apart elsewhere', () => {
    const salt = newSalt();
    expect(() => commit(salt.subarray(1), concatBytes(salt))).toThrow(RangeError);
    expect(() => commit(new Uint8Array(0), salt)).toThrow(RangeError);
  });
});

describe('random bytes', () => {
  it('never come twice, nor change when more are drawn', () => {
    const salts = Array.from({ length: 2000 }, newSalt);
    const texts = salts.map(hex);
    Array.from({ length: 600 }, newSalt);
    expect(new Set(texts).size).toBe(salts.length);
    expect(salts.map(hex)).toEqual(texts);
  });

  it('are as many as asked for, at the end of the pool too', () => {
    for (const length of [0, 1, 4095, 4096, 33, 4096, 16]) expect(randomBytes(length)).toHaveLength(length);
  });

  it('do not share memory with one another', () => {
    const [a, b] = [newSalt(), newSalt()];
    expect(a.buffer).not.toBe(b.buffer);
    expect(a.buffer.byteLength).toBe(16);
  });
});
