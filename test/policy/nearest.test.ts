import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { nearest } from '../../src/policy/nearest.ts';

const fields = ['issuer', 'subject', 'tenant', 'roles', 'groups', 'authTime'];

describe('the name that was meant', () => {
  it.each([
    ['role', 'roles'],
    ['rolse', 'roles'],
    ['rolees', 'roles'],
    ['Roles', 'roles'],
    ['authtime', 'authTime'],
    ['subjekt', 'subject'],
  ])('of %s is %s', (name, meant) => {
    expect(nearest(name, fields)).toBe(meant);
  });

  it.each(['', 'x', 'password', 'rolesroles', 'ROLES_OF_THE_HUMAN', '🜁', '__proto__', 'r'.repeat(1_000_000)])(
    'is nobody’s guess for %.20s',
    (name) => {
      expect(nearest(name, fields)).toBeUndefined();
    },
  );

  it('is none for a name that exists', () => {
    expect(nearest('roles', ['rolex', 'roles', 'role'])).toBeUndefined();
  });

  it('is, of several as near, the first in the alphabet, whatever their order', () => {
    expect(nearest('bat', ['rat', 'cat', 'mat'])).toBe('cat');
    expect(nearest('bat', ['mat', 'cat', 'rat'])).toBe('cat');
  });

  it('differs in case rather than in a letter', () => {
    expect(nearest('READ', ['REA', 'READS', 'read'])).toBe('read');
  });

  it('is one of the names and the same in any order, or there is none', () => {
    const unit = fc.constantFrom('r', 'o', 'l', 'e', 's', 'E', '\u0000', '\u{d800}', '🜁');
    const names = fc.array(fc.string({ unit, maxLength: 8 }), { maxLength: 8 });
    fc.assert(
      fc.property(fc.string({ unit, maxLength: 70 }), names, (name, among) => {
        const found = nearest(name, among);
        expect(nearest(name, among.toReversed())).toBe(found);
        if (found !== undefined) expect(among.includes(found) && found !== name).toBe(true);
      }),
    );
  });
});
