import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { unifiedDiff } from '../../../src/runtime/hosts/unified-diff.ts';

const numbers = (from: number, to: number): string =>
  Array.from({ length: to - from + 1 }, (_, at) => `${from + at}\n`).join('');

describe('the diff of a file', () => {
  it('is what diff -u prints', () => {
    const before = numbers(1, 30);
    const after = before.replace('\n5\n', '\nfive\n').replace('\n20\n', '\n20\n20b\n');
    expect(unifiedDiff(before, after, 'f')).toBe(
      [
        '--- f\n+++ f',
        '@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-5\n+five\n 6\n 7\n 8',
        '@@ -18,6 +18,7 @@\n 18\n 19\n 20\n+20b\n 21\n 22\n 23\n',
      ].join('\n'),
    );
  });

  it('says where a last line has no end', () => {
    expect(unifiedDiff('', '{}', 'f')).toBe(
      '--- f\n+++ f\n@@ -0,0 +1,1 @@\n+{}\n\\ No newline at end of file\n',
    );
  });

  it('is empty where nothing differs', () => {
    expect(unifiedDiff('a\n', 'a\n', 'f')).toBe('');
  });

  it('shows control characters instead of sending them to the terminal', () => {
    expect(unifiedDiff('', '\u001b[2J\u202e\n', 'f')).toContain('+\\u{1b}[2J\\u{202e}\n');
  });

  it('holds every line of both sides, in their order', () => {
    const text = fc
      .array(fc.constantFrom('a', 'b', 'c', 'd'), { maxLength: 12 })
      .map((lines) => lines.map((line) => `${line}\n`).join(''));
    fc.assert(
      fc.property(text, text, (before, after) => {
        fc.pre(before !== after);
        const middle = numbers(1, 3);
        const diff = unifiedDiff(before + middle, after + middle, 'f')
          .split('\n')
          .slice(2);
        const side = (mark: string): number => diff.filter((line) => line.startsWith(mark)).length;
        const lengths = (of: string): number => of.split('\n').length;
        expect(side('+') - side('-')).toBe(lengths(after) - lengths(before));
      }),
    );
  });
});
