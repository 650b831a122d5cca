import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalJson } from '../../../src/call/canonical-json.ts';
import type { Json } from '../../../src/call/json.ts';
import type { ApprovalGrant, PendingApproval } from '../../../src/gate/approvals/approval.ts';
import {
  approvalKey,
  encodeApproval,
  isApprovalId,
  parseApproval,
  parseApprovals,
} from '../../../src/gate/approvals/approval-heads.ts';
import { CountersignError } from '../../../src/errors.ts';

const digest = fc.stringMatching(/^[0-9a-f]{64}$/);
const name = fc
  .string({ minLength: 1, maxLength: 40, unit: 'grapheme' })
  .filter((text) => text.isWellFormed());
const person = fc.record({ issuer: name, subject: name });
const from = fc.oneof(
  fc.constant('operator'),
  fc.stringMatching(/^(?:role|group|subject):[a-zA-Z.:-]{1,30}$/),
);
const base64 = fc
  .uint8Array({ minLength: 3, maxLength: 90 })
  .map((bytes) => Buffer.from(bytes).toString('base64'));
const time = fc.integer({ min: 0, max: 4_000_000_000_000 });
const assertion = fc.record({
  credentialId: base64,
  publicKey: base64,
  rpId: fc.constantFrom('example.org', 'localhost'),
  authenticatorData: base64,
  clientDataJson: base64,
  signature: base64,
});
const answer = { at: time, statement: digest };
const grant: fc.Arbitrary<ApprovalGrant> = fc.oneof(
  fc.record({
    ...answer,
    by: fc.constant('operator' as const),
    as: from,
    method: fc.constant('terminal' as const),
  }),
  fc.record({ ...answer, by: person, as: from, method: fc.constant('token' as const) }),
  fc.record({ ...answer, by: person, as: from, method: fc.constant('passkey' as const), assertion }),
);
const refusal = fc.record({ ...answer, by: person, method: fc.constant('token' as const) });

const approval: fc.Arbitrary<PendingApproval> = fc
  .record(
    {
      id: fc.stringMatching(/^[a-z2-7]{16}$/),
      callId: fc.uuid(),
      tenant: name,
      agent: fc.record({ id: name, issuer: name }),
      human: person,
      server: fc.record({ name, digest }),
      tool: name,
      definition: digest,
      policy: digest,
      terms: fc.record({
        rule: name,
        from: fc.array(from, { minLength: 1, maxLength: 4 }),
        count: fc.integer({ min: 1, max: 8 }),
        within: fc.integer({ min: 1, max: 86_400_000 }),
        by: fc.constantFrom('any' as const, 'passkey' as const),
      }),
      requestedAt: time,
      document: fc.record({
        sha256: digest,
        salt: fc
          .uint8Array({ minLength: 16, maxLength: 16 })
          .map((salt) => Buffer.from(salt).toString('base64')),
        covers: fc.constantFrom('arguments' as const, 'params' as const),
      }),
      grants: fc.uniqueArray(grant, { maxLength: 4, selector: ({ by }) => JSON.stringify(by) }),
      refusal,
    },
    {
      requiredKeys: [
        ...(['id', 'callId', 'tenant', 'agent', 'server', 'tool', 'policy', 'terms'] as const),
        ...(['requestedAt', 'document', 'grants'] as const),
      ],
    },
  )
  .map((each) => ({ ...each, expiresAt: each.requestedAt + each.terms.within }));

const corrupt = expect.objectContaining({ code: 'LEDGER_CORRUPT' });

describe('the head of a request', () => {
  it('is read as it was written', () => {
    fc.assert(
      fc.property(approval, (each) => {
        expect(parseApproval(approvalKey(each), encodeApproval(each))).toEqual(each);
      }),
    );
  });

  it('is read in one spelling, or not at all', () => {
    fc.assert(
      fc.property(approval, fc.nat(), fc.string({ maxLength: 3 }), fc.nat(3), (each, at, put, cut) => {
        const text = encodeApproval(each);
        const spot = at % text.length;
        const changed = text.slice(0, spot) + put + text.slice(spot + cut);
        try {
          expect(encodeApproval(parseApproval(approvalKey(each), changed))).toBe(changed);
        } catch (error) {
          if (!(error instanceof CountersignError)) throw error;
          expect(error.code).toBe('LEDGER_CORRUPT');
        }
      }),
    );
  });

  it('is never anything else that JSON can say', () => {
    fc.assert(
      fc.property(fc.oneof(fc.json(), fc.string()), (text) => {
        expect(() => parseApproval('approval/x/y', text)).toThrow(corrupt);
      }),
    );
  });

  it('does not count under another key, or another tenant', () => {
    const [one, two] = fc.sample(approval, { numRuns: 2, seed: 7 }) as [PendingApproval, PendingApproval];
    expect(() => parseApproval(approvalKey(two), encodeApproval(one))).toThrow(corrupt);
    expect(() => parseApproval(`${approvalKey(one)}x`, encodeApproval(one))).toThrow(corrupt);
  });

  it('does not hold one person twice', () => {
    const [one] = fc.sample(approval, { numRuns: 1, seed: 8 }) as [PendingApproval];
    const [given] = fc.sample(grant, { numRuns: 1, seed: 9 }) as [ApprovalGrant];
    const twice = { ...one, grants: [given, { ...given, at: given.at + 1 }] };
    expect(() => parseApproval(approvalKey(twice), canonicalJson(twice as unknown as Json))).toThrow(corrupt);
    const once = { ...one, grants: [given] };
    expect(parseApproval(approvalKey(once), canonicalJson(once as unknown as Json))).toEqual(once);
  });

  it('is refused before it is written when nobody could read it again', () => {
    const [one] = fc.sample(approval, { numRuns: 1, seed: 10 }) as [PendingApproval];
    const from = Array.from({ length: 65 }, (_, at) => `role:${at}`);
    const [given] = fc.sample(grant, { numRuns: 1, seed: 9 }) as [ApprovalGrant];
    for (const more of [
      { tool: 'x'.repeat(200_000) },
      { tool: 'x'.repeat(5_000) },
      { tool: '' },
      { human: { issuer: 'https://idp.example.org', subject: 'x'.repeat(5_000) } },
      { terms: { ...one.terms, from } },
      { grants: [given, given] },
    ])
      expect(() => encodeApproval({ ...one, ...more })).toThrow(
        expect.objectContaining({ code: 'TOO_LARGE' }),
      );
  });

  it('is found among others by time, and its id is no path', () => {
    const several = fc.sample(approval, { numRuns: 20, seed: 11 });
    const read = parseApprovals(new Map(several.map((each) => [approvalKey(each), encodeApproval(each)])));
    expect(read.map(({ requestedAt }) => requestedAt)).toEqual(
      several.map(({ requestedAt }) => requestedAt).sort((one, other) => one - other),
    );
    expect(['', 'a', '../aaaaaaaaaaaaa', 'A'.repeat(16), 'a'.repeat(17)].some(isApprovalId)).toBe(false);
  });
});
