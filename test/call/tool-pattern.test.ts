import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { matchesTool, parseToolPattern } from '../../src/call/tool-pattern.ts';

function matches(pattern: string, server: string, tool: string): boolean {
  return matchesTool(parseToolPattern(pattern), server, tool);
}

describe('a tool pattern', () => {
  it.each([
    ['files/read_file', 'files', 'read_file'],
    ['files/*', 'files', 'read_file'],
    ['files/*', 'files', 'a/b'],
    ['files/a/b', 'files', 'a/b'],
    ['*/read_*', 'files', 'read_file'],
    ['*/*', 'any', 'thing'],
    ['*/resources:read', 'files', 'resources:read'],
    ['f*s/*a*b*', 'files', 'xaxxbx'],
    ['f*s/a*a', 'fs', 'aa'],
    ['*/*', 'files/x', 'y'],
    ['files/a.b+c', 'files', 'a.b+c'],
  ])('%s matches %s and %s', (pattern, server, tool) => {
    expect(matches(pattern, server, tool)).toBe(true);
  });

  it.each([
    ['a server whose name goes on', 'files/*', 'files2', 'read'],
    ['a server whose name ends alike', 'files/*', 'myfiles', 'read'],
    ['a server that calls itself files/x', 'files/*', 'files/x', 'read'],
    ['a server that calls itself by the whole pattern', 'files/read', 'files/read', ''],
    ['a tool with the server in its name', 'files/read', '', 'files/read'],
    ['a slash moved from tool to server', 'files/a/b', 'files/a', 'b'],
    ['another case', 'files/read', 'Files', 'read'],
    ['another case of the tool', 'files/read', 'files', 'READ'],
    ['a blank at the end', 'files/read', 'files', 'read '],
    ['a newline at the end', 'files/*d', 'files', 'read\n'],
    ['a look-alike letter', 'files/read', 'files', 'reаd'],
    ['another normal form', 'files/caf\u00e9', 'files', 'cafe\u0301'],
    ['a dot for any sign', 'files/a.b', 'files', 'axb'],
    ['one letter for both ends', 'files/a*a', 'files', 'a'],
    ['overlapping pieces', 'files/*ab*ba', 'files', 'aba'],
  ])('does not match %s', (_, pattern, server, tool) => {
    expect(matches(pattern, server, tool)).toBe(false);
  });

  it.each([
    '',
    '/',
    'files',
    'files/',
    '/read',
    'files/**',
    '**/read',
    'fi?es/x',
    'files/[ab]',
    'files/{a,b}',
    '!files/x',
    'files/a\\*',
    'files/a b',
    'files/a\tb',
    ' files/x',
    `files/${'x'.repeat(300)}`,
  ])('is refused: %j', (pattern) => {
    expect(() => parseToolPattern(pattern)).toThrow();
  });

  it('takes time in proportion to the name, whatever pattern meets whatever name', () => {
    const start = performance.now();
    expect(matches(`s/${'a*'.repeat(100)}b`, 's', 'a'.repeat(100_000))).toBe(false);
    expect(performance.now() - start).toBeLessThan(200);
  });

  it('matches as the regular expression that it means', () => {
    const part = fc.string({ unit: fc.constantFrom('a', 'b', '*'), minLength: 1, maxLength: 8 });
    const name = fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 10 });
    fc.assert(
      fc.property(part, name, (glob, subject) => {
        fc.pre(!glob.includes('**'));
        const expected = new RegExp(`^${glob.replaceAll('*', '.*')}$`).test(subject);
        expect(matches(`${glob}/x`, subject, 'x')).toBe(expected);
      }),
    );
  });
});
