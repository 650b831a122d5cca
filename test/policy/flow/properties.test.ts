import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { Json } from '../../../src/call/json.ts';
import { Finder } from '../../../src/policy/flow/finder.ts';
import { createSeen } from '../../../src/policy/flow/seen.ts';
import { wordsOf } from '../../../src/policy/flow/words.ts';
import { anyText, labelled, trusted, untrusted } from './labels.ts';

const none: ReadonlySet<string> = new Set();
const tool = { server: 's', name: 't' };

it('any JSON is remembered and asked about without an error, and every value has a list', () => {
  const any = fc.jsonValue({ maxDepth: 4 }) as fc.Arbitrary<Json>;
  fc.assert(
    fc.property(any, any, anyText, (output, value, request) => {
      const seen = createSeen();
      seen.remember(tool, labelled('yaml', trusted, { '/*': untrusted }), output);
      const origins = seen.originsOf({ value }, request, none);
      return Object.values(origins).every(Array.isArray);
    }),
    { numRuns: 40 },
  );
});

it('a text of two letters or more that was an output comes from it', () => {
  fc.assert(
    fc.property(anyText, (text) => {
      fc.pre([...wordsOf(text).join('')].length > 1);
      const seen = createSeen();
      seen.remember(tool, labelled('text', untrusted), text);
      expect(seen.originsOf({ text }, undefined, none)[text]).toEqual(['untrusted:s/t']);
    }),
    { numRuns: 150 },
  );
});

it('a text that is nowhere in the request does not come from it, whatever stands around', () => {
  const name = fc.stringMatching(/^[a-z]{3,8}$/);
  fc.assert(
    fc.property(
      fc.array(name, { maxLength: 12 }),
      name,
      fc.constantFrom('.', '-', '@', '/', '_', ':'),
      (names, value, joint) => {
        fc.pre(!names.includes(value));
        const request = names.map((one) => `${one}${joint}${value}${joint}${one}`).join(' ');
        expect(createSeen().originsOf({ value }, request, none)[value]).toEqual([]);
      },
    ),
    { numRuns: 40 },
  );
});

it('finds what a plain search finds', () => {
  const word = fc.integer({ min: 0, max: 2 });
  const sequences = fc.array(fc.array(word, { minLength: 1, maxLength: 4 }), { maxLength: 8 });
  fc.assert(
    fc.property(sequences, fc.array(word, { maxLength: 20 }), (wanted, text) => {
      const plain = wanted.map((sequence) => ` ${text.join(' ')} `.includes(` ${sequence.join(' ')} `));
      const found = new Finder(wanted, 3).foundIn([Int32Array.from(text)]);
      expect(wanted.map((_, which) => found.has(which))).toEqual(plain);
    }),
    { numRuns: 150 },
  );
});
