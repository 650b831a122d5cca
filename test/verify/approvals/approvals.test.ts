import { describe, expect, it } from 'vitest';
import { base64, utf8 } from '../../../src/call/bytes.ts';
import type { Json, JsonObject } from '../../../src/call/json.ts';
import type { ApprovalGrant, PendingApproval, StatedApproval } from '../../../src/gate/approvals/approval.ts';
import { askedCall, newRequest } from '../../../src/gate/approvals/open-requests.ts';
import { statedApproval } from '../../../src/gate/approvals/stated-approval.ts';
import type { ApprovalObligation } from '../../../src/policy/obligation.ts';
import { loadTrust } from '../../../src/verify/trust.ts';
import { verifyToolResult, type InputOptions } from '../../../src/verify/verify.ts';
import { allowed, fullPrincipal } from '../../envelope/facts.ts';
import { testTrustSystem } from '../../support/trust-system.ts';
import { allowedCall, codesOf, envelopeMember, splice, type TestCall } from '../calls.ts';
import { signedAssertion } from './passkeys.ts';

const system = await testTrustSystem();
const trust = await loadTrust(system.trustedRootBytes);
const minute = 60_000;
const asked = system.now - minute;

const byOperator: ApprovalObligation = {
  type: 'approval',
  rule: 'pay',
  from: ['operator'],
  count: 1,
  within: 15 * minute,
  by: 'any',
};
const byLead: ApprovalObligation = { ...byOperator, from: ['role:lead', 'subject:eve'] };
const byPasskey: ApprovalObligation = { ...byLead, by: 'passkey' };
const given = { path: '/srv/a', depth: 2 };

const statement = 'e'.repeat(64);
const operator: ApprovalGrant = {
  by: 'operator',
  as: 'operator',
  method: 'terminal',
  at: asked + 1,
  statement,
};
const person = (subject: string, more: Partial<ApprovalGrant> = {}): ApprovalGrant => ({
  by: { issuer: 'https://idp.example.org', subject },
  as: 'role:lead',
  method: 'token',
  at: asked + 1,
  statement,
  ...more,
});

interface Approved {
  readonly call: TestCall;
  readonly request: PendingApproval;
  /** With the salts of the approval, as a gate answers. */
  readonly answer: (salt?: string) => string;
}

interface Making {
  readonly obligation?: ApprovalObligation;
  readonly demanded?: readonly ApprovalObligation[];
  readonly grants?: readonly ApprovalGrant[];
  readonly state?: (stated: StatedApproval) => readonly JsonObject[] | undefined;
  readonly decidedAt?: number;
  readonly committed?: boolean;
  /** What was approved, where it is not what ran. */
  readonly approved?: JsonObject;
  readonly params?: JsonObject;
}

/** A request as a gate makes it, and an ALLOW that states it. */
async function approvedCall(making: Making = {}): Promise<Approved> {
  const { obligation = byOperator, grants = [operator] } = making;
  const args = making.approved ?? given;
  const params = { name: 'read_file', arguments: args, ...making.params };
  const call = { ...allowed.call, arguments: args, params: utf8(JSON.stringify(params)) };
  const bound = askedCall(call, fullPrincipal, allowed.standing, allowed.policy.digest);
  const request = { ...newRequest(bound, obligation, asked), grants };
  const stated = statedApproval(request);
  const approvals = making.state === undefined ? [stated] : making.state(stated);
  const made = await allowedCall(system, {
    arguments: given,
    decidedAt: making.decidedAt ?? system.now,
    ...(making.committed === true && {
      withheld: { pointer: '/human/subject', salt: new Uint8Array(16), value: 'subject-1' },
    }),
    facts: {
      principal: fullPrincipal,
      decision: {
        ...allowed.decision,
        obligations: making.demanded ?? [obligation],
      } as typeof allowed.decision,
      ...(approvals && { approvals }),
    },
  });
  const answer = (salt = request.document.salt): string =>
    splice(
      made.result,
      envelopeMember(made.verdict, made.outcome, { ...made.openings, approvals: { [request.id]: salt } }),
    );
  return { call: made, request, answer };
}

const json = (value: Json): Uint8Array => utf8(JSON.stringify(value));
const verify = (text: string, options: InputOptions = {}) => verifyToolResult(utf8(text), trust, options);
const codes = async (making: Making): Promise<readonly string[]> =>
  codesOf(await verify((await approvedCall(making)).answer()));

describe('an ALLOW that somebody approved', () => {
  it('verifies, opens to exactly its call, and says who approved it and how', async () => {
    const { call, request, answer } = await approvedCall();
    const report = await verify(answer(), { expect: 'executed', arguments: json(given) });
    expect(report).toMatchObject({
      ok: true,
      calls: [
        {
          binding: { arguments: 'opened', approvals: 'opened' },
          envelopes: [
            {
              approvals: [
                {
                  id: request.id,
                  rule: 'pay',
                  request: request.document.sha256,
                  grants: [{ by: 'operator', as: 'operator', method: 'terminal' }],
                },
              ],
            },
            {},
          ],
        },
      ],
    });
    for (const options of [{ params: call.params }, { action: call.action, params: call.params }])
      expect(await verify(answer(), options)).toMatchObject({
        ok: true,
        calls: [{ binding: { approvals: 'opened' } }],
      });
  });

  it('verifies by itself too, where nothing of the call is known', async () => {
    const { call } = await approvedCall({
      obligation: { ...byLead, count: 2 },
      grants: [person('lea'), person('eve')],
    });
    const report = await verify(call.verdict);
    expect(report).toMatchObject({ ok: true });
    expect(report.calls[0]?.binding).not.toHaveProperty('approvals');
  });

  it('verifies when somebody of another issuer gave it who bears the same name', async () => {
    const namesake = person('subject-1', {
      by: { issuer: 'https://other.example.org', subject: 'subject-1' },
    });
    expect(await codes({ obligation: byLead, grants: [namesake] })).toEqual([]);
  });

  it('verifies with what a passkey signed', async () => {
    expect(await codes({ obligation: byPasskey, grants: [passkeyGrant()], state: signed() })).toEqual([]);
  });

  it('is not opened where the statement only commits to who asked', async () => {
    const { answer } = await approvedCall({ committed: true });
    const report = await verify(answer(), { arguments: json(given) });
    expect(report).toMatchObject({ ok: true, calls: [{ binding: { arguments: 'opened' } }] });
    expect(report.calls[0]?.binding).not.toHaveProperty('approvals');
  });
});

const passkeyGrant = (): ApprovalGrant => person('lea', { method: 'passkey' });

/** Puts a passkey's signature over the request to the first grant. */
function signed(forged: Parameters<typeof signedAssertion>[1] = {}) {
  return (stated: StatedApproval): readonly JsonObject[] => {
    const { sha256 } = stated['request'] as { sha256: string };
    const { rpId, ...parts } = signedAssertion(sha256, forged);
    const encoded = Object.entries({ ...parts, credentialId: utf8('key') }).map(([name, bytes]) => [
      name,
      base64(bytes),
    ]);
    const [grant] = stated['grants'] as [JsonObject];
    const assertion: JsonObject = { rpId, ...(Object.fromEntries(encoded) as Record<string, string>) };
    return [{ ...stated, grants: [{ ...grant, assertion }] }];
  };
}

describe('an ALLOW is refused', () => {
  it('when a rule demands an approval and none is stated', async () => {
    expect(await codes({ state: () => undefined })).toEqual(['APPROVAL_MISSING']);
    expect(await codes({ state: () => [] })).toEqual(['APPROVAL_MISSING']);
    expect(await codes({ demanded: [byOperator, { ...byLead, rule: 'lead' }] })).toEqual([
      'APPROVAL_MISSING',
    ]);
  });

  it.each<[string, Partial<ApprovalObligation>]>([
    ['another rule', { rule: 'other' }],
    ['more people', { count: 2 }],
    ['others', { from: ['role:lead'] }],
    ['a passkey', { by: 'passkey' }],
    ['a shorter time', { within: minute }],
  ])('when the rule demands %s than what was given', async (_, more) => {
    expect(await codes({ demanded: [{ ...byOperator, ...more }] })).toEqual(['APPROVAL_MISSING']);
  });

  it('when an approval is stated that nothing demands, or the same one twice', async () => {
    expect(await codes({ demanded: [] })).toEqual(['APPROVAL_INVALID']);
    expect(await codes({ state: (stated) => [stated, stated] })).toEqual(['APPROVAL_INVALID']);
    const another = { id: 'zzzzzzzzzzzzzzzz' };
    expect(await codes({ state: (stated) => [stated, { ...stated, ...another }] })).toEqual([
      'APPROVAL_INVALID',
    ]);
    const rule = 'other';
    const demanded = [byOperator, { ...byOperator, rule }];
    expect(await codes({ demanded, state: (stated) => [stated, { ...stated, rule }] })).toEqual([
      'APPROVAL_INVALID',
    ]);
    expect(await codes({ demanded, state: (stated) => [stated, { ...stated, ...another, rule }] })).toEqual(
      [],
    );
  });

  const two = { ...byLead, count: 2 };
  it.each<[string, Making]>([
    ['nobody approved', { grants: [] }],
    [
      'one person approved twice',
      { obligation: two, grants: [person('lea'), person('lea', { at: asked + 2 })] },
    ],
    [
      'one person is stated twice where one is enough',
      { obligation: byLead, grants: [person('lea'), person('lea', { at: asked + 2 })] },
    ],
    [
      'it was approved at its end, soon after the call',
      {
        obligation: { ...byOperator, within: minute + 1_000 },
        grants: [{ ...operator, at: asked + minute + 1_000 }],
      },
    ],
    ['fewer approved than are demanded', { obligation: two, grants: [person('lea')] }],
    ['an operator approved for a role', { obligation: byLead, grants: [{ ...operator, as: 'role:lead' }] }],
    ['an operator approved as themselves for a role', { obligation: byLead, grants: [operator] }],
    [
      'an operator makes a quorum',
      { obligation: { ...two, from: ['operator', 'role:lead'] }, grants: [operator, person('lea')] },
    ],
    ['a person approved for the operator', { grants: [person('lea', { as: 'operator' })] }],
    [
      'a person approved at a terminal',
      { obligation: byLead, grants: [person('lea', { method: 'terminal' })] },
    ],
    [
      'somebody else approved for a subject',
      { obligation: byLead, grants: [person('lea', { as: 'subject:eve' })] },
    ],
    [
      'a role approved that nobody named',
      { obligation: byLead, grants: [person('lea', { as: 'role:boss' })] },
    ],
    ['the person approved for whom the call is made', { obligation: byLead, grants: [person('subject-1')] }],
    ['a token was shown for a passkey', { obligation: byPasskey, grants: [person('lea')] }],
    [
      'a token came with a passkey’s signature',
      { obligation: byLead, grants: [person('lea')], state: signed() },
    ],
    ['a passkey signed nothing', { obligation: byPasskey, grants: [passkeyGrant()] }],
    ['it was approved after it had expired', { grants: [{ ...operator, at: asked + 15 * minute }] }],
    ['it was approved long after the call', { grants: [{ ...operator, at: system.now + 5 * minute }] }],
    ['it was approved before it was asked for', { grants: [{ ...operator, at: asked - 2 * minute }] }],
    [
      'a passkey signed another request',
      { obligation: byPasskey, grants: [passkeyGrant()], state: signed({ challenge: 'f'.repeat(64) }) },
    ],
    [
      'a passkey did not know who used it',
      { obligation: byPasskey, grants: [passkeyGrant()], state: signed({ flags: 1 }) },
    ],
    [
      'another key signed',
      { obligation: byPasskey, grants: [passkeyGrant()], state: signed({ otherKey: true }) },
    ],
  ])('when %s', async (_, making) => {
    expect(await codes(making)).toEqual(['APPROVAL_INVALID']);
  });

  it('when what it states of an approval has no such form', async () => {
    const spoil = (spoiled: JsonObject) => (stated: StatedApproval) => [{ ...stated, ...spoiled }];
    for (const spoiled of [{ grants: {} }, { count: '1' }, { requestedAt: 'now' }, { request: 'x' }])
      expect(await codes({ state: spoil(spoiled) })).toEqual(['STATEMENT_MALFORMED']);
    const grant = { by: { subject: 'lea' }, as: 'role:lead', method: 'token', at: 'x', statement: {} };
    expect(await codes({ state: spoil({ grants: [grant] }) })).toEqual(['STATEMENT_MALFORMED']);
  });

  it('when it expired before the call was decided', async () => {
    const short = { ...byOperator, within: minute };
    expect(await codes({ obligation: short })).toEqual(['APPROVAL_INVALID']);
  });
});

describe('an approval of something else', () => {
  const codesWith = async (making: Making, options: InputOptions, salt?: string) => {
    const { answer } = await approvedCall(making);
    return codesOf(await verify(answer(salt), options));
  };

  it('is refused: other arguments', async () => {
    const other = { path: '/srv/b', depth: 2 };
    expect(await codesWith({ approved: other }, { arguments: json(given) })).toEqual(['UNBOUND']);
  });

  it('is refused: another salt, or none', async () => {
    const options = { arguments: json(given) };
    expect(await codesWith({}, options, base64(new Uint8Array(16)))).toEqual(['UNBOUND']);
    const { call } = await approvedCall();
    expect(codesOf(await verify(call.answer, options))).toEqual(['UNBOUND']);
  });

  it('is refused: a continuation that ran and was not approved, or was approved and did not run', async () => {
    const { call, answer } = await approvedCall({ params: { requestState: 'x' } });
    expect(codesOf(await verify(answer(), { params: call.params }))).toEqual(['UNBOUND']);
    const unknown = await verify(answer(), { arguments: json(given) });
    expect(unknown).toMatchObject({ ok: true });
    expect(unknown.calls[0]?.binding).not.toHaveProperty('approvals');
  });
});
