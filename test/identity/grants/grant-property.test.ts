import fc from 'fast-check';
import { expect, it } from 'vitest';
import { base64url, utf8 } from '../../../src/call/bytes.ts';
import { CountersignError } from '../../../src/errors.ts';
import { grantType } from '../../../src/identity/grants/grant.ts';
import { readChain } from '../../../src/identity/grants/read-chain.ts';
import { grantClaims } from './granting.ts';

const header = base64url(utf8(JSON.stringify({ alg: 'ES256', typ: grantType })));
const written = (claims: string): string => `${header}.${base64url(utf8(claims))}.AAAA`;

/** What `readChain` makes of a text: a chain, or the code of its refusal. Anything else is thrown on. */
function read(text: string): ReturnType<typeof readChain> | string {
  try {
    return readChain(text);
  } catch (error) {
    if (error instanceof CountersignError) return error.code;
    throw error;
  }
}

const codes = expect.stringMatching(/^GRANT_(?:INVALID|FOREIGN)$/) as string;

it('whatever the text, it is a chain or refused with a code of grants', () => {
  const part = fc.oneof(fc.string(), fc.constantFrom('', '.', '..', header, 'AAAA', '=', '\n'));
  fc.assert(
    fc.property(fc.array(part, { maxLength: 6 }), (parts) => {
      expect(read(parts.join('.'))).toEqual(codes);
    }),
  );
});

it('whatever its claims are, they are refused or read as what they are', () => {
  const names = [...Object.keys(grantClaims()), 'when', 'calls', 'budget', 'request', 'parent', 'cnf', 'nbf'];
  fc.assert(
    fc.property(fc.constantFrom(...names), fc.jsonValue(), (name, value) => {
      const found = read(written(JSON.stringify(grantClaims({ [name]: value }))));
      if (typeof found === 'string') {
        expect(found).toEqual(codes);
        return;
      }
      const [only] = found;
      expect(only?.grant.tools.every((tool) => typeof tool === 'string' && tool.includes('/'))).toBe(true);
      expect(only?.grant.when.every((condition) => typeof condition === 'string')).toBe(true);
      expect(Number.isSafeInteger(only?.grant.expiresAt)).toBe(true);
    }),
  );
});

it('no claim can stand twice, wherever it stands', () => {
  const members = Object.entries(grantClaims()).map(
    ([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`,
  );
  const one = fc.nat({ max: members.length - 1 });
  fc.assert(
    fc.property(one, fc.nat({ max: members.length }), (which, where) => {
      const twice = members.toSpliced(where, 0, members[which] ?? '');
      expect(read(written(`{${twice.join(',')}}`))).toBe('GRANT_INVALID');
    }),
  );
});
