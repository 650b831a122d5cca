import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  approverKey,
  encodeApprover,
  newApproverId,
  parseApprover,
  type PasskeyApprover,
} from '../../../../src/gate/approvals/passkeys/approver-heads.ts';

const line = fc
  .string({ unit: 'grapheme', minLength: 1, maxLength: 40 })
  .filter((text) => /^[^\p{Cc}]+$/u.test(text));
const text64 = fc
  .uint8Array({ minLength: 3, maxLength: 90 })
  .map((bytes) => Buffer.from(bytes).toString('base64'));
const time = fc.nat({ max: 8_640_000_000_000 });
const person = fc.record({
  id: fc.constant('').map(() => newApproverId()),
  name: fc.stringMatching(/^[\w.@-]{1,64}$/),
  tenant: line,
  issuer: line,
  subject: line,
  roles: fc.array(line, { maxLength: 4 }),
  groups: fc.array(line, { maxLength: 4 }),
});
const state = fc.oneof(
  fc.record({
    invited: fc.record({ tokenSha256: fc.constantFrom('a'.repeat(64), '0'.repeat(64)), notAfter: time }),
  }),
  fc.record({
    passkey: fc.record({
      credentialId: text64,
      publicKey: text64,
      rpId: fc.domain().map((name) => name.toLowerCase()),
      counter: fc.nat({ max: 0xffff_ffff }),
      registeredAt: time,
    }),
  }),
);
const approver = fc.tuple(person, state).map(([who, how]): PasskeyApprover => ({ ...who, ...how }));

describe('the head of an approver', () => {
  it('is read as it was written', () => {
    fc.assert(
      fc.property(approver, (each) => {
        expect(parseApprover(approverKey(each), encodeApprover(each))).toEqual(each);
      }),
    );
  });

  it('is read from its one text only, under its own key', () => {
    fc.assert(
      fc.property(approver, fc.nat(), fc.string({ maxLength: 3 }), (each, at, other) => {
        const text = encodeApprover(each);
        const cut = at % text.length;
        const changed = text.slice(0, cut) + other + text.slice(cut + 1);
        let read: PasskeyApprover | undefined;
        try {
          read = parseApprover(approverKey(each), changed);
        } catch (error) {
          expect(error).toMatchObject({ code: 'LEDGER_CORRUPT' });
        }
        if (read !== undefined) expect(encodeApprover(read)).toBe(changed);
        expect(() => parseApprover('approver/aaaaaaaaaaaaaaaa', text)).toThrow(
          expect.objectContaining({ code: 'LEDGER_CORRUPT' }),
        );
      }),
    );
  });

  it.each([
    'null',
    '[]',
    '{}',
    '{"__proto__":{"id":"aaaaaaaaaaaaaaaa"}}',
    '{"id":"aaaaaaaaaaaaaaaa","name":"x","tenant":"d","issuer":"i","subject":"s","roles":[],"groups":[]}',
    '{',
    ' '.repeat(100_000),
  ])('is corrupt when it is %s', (text) => {
    expect(() => parseApprover('approver/aaaaaaaaaaaaaaaa', text)).toThrow(
      expect.objectContaining({ code: 'LEDGER_CORRUPT' }),
    );
  });
});
