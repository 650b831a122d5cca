import { describe, expect, it } from 'vitest';
import type { Json } from '../../../src/call/json.ts';
import { utf8 } from '../../../src/call/sha256.ts';
import type { PendingApproval } from '../../../src/gate/approvals/approval.ts';
import { approvalKey, encodeApproval } from '../../../src/gate/approvals/approval-heads.ts';
import { checkApprovals, type ApprovalQuestion } from '../../../src/gate/approvals/check.ts';
import { contentOf, digestOf, requestDocument } from '../../../src/gate/approvals/request-document.ts';
import { openApprovals } from '../../../src/gate/approvals/open-approvals.ts';
import { verifiedPrincipal } from '../../../src/identity/principal.ts';
import { byLead, byOperator, callOf, human, lead, minute, principalOf, standing, world } from './world.ts';

const other = { policyDigest: 'c'.repeat(64) };
const asking = principalOf({ human: human('ada') });
const namesake = { ...asking.agent.value, issuer: 'other.example.org' };

describe('an approval is for exactly one call', () => {
  it.each<[string, Partial<ApprovalQuestion>]>([
    ['other arguments', { call: callOf({ to: 'ada', amount: 11 }) }],
    ['another order of a list', { call: callOf({ to: 'ada', amount: 10, cc: ['a', 'b'] }) }],
    ['an argument more', { call: callOf({ to: 'ada', amount: 10, __proto__: null, note: '' }) }],
    ['a continuation that was not shown', { call: callOf(undefined, { requestState: 'x' }) }],
    [
      'an answer to an elicitation that was not shown',
      { call: callOf(undefined, { inputResponses: { a: 1 } }) },
    ],
    [
      'another name in its params',
      { call: { ...callOf(), params: utf8('{"name":"other","arguments":{"to":"ada","amount":10}}') } },
    ],
    ['another tool', { call: { ...callOf(), tool: 'pay-twice' } }],
    [
      'another server of the same name',
      { call: { ...callOf(), server: { name: 'bank', digest: 'e'.repeat(64) } } },
    ],
    ['another agent', { principal: principalOf({ agent: 'other', human: human('ada') }) }],
    [
      'an agent of this name at another issuer',
      { principal: verifiedPrincipal({ ...asking, agent: { ...asking.agent, value: namesake } }) },
    ],
    ['another person', { principal: principalOf({ human: human('bob') }) }],
    [
      'the same subject at another issuer',
      { principal: principalOf({ human: human('ada', { issuer: 'https://evil.example.org' }) }) },
    ],
    ['nobody', { principal: principalOf() }],
    ['another tenant', { principal: principalOf({ human: human('ada'), tenant: 'other' }) }],
    [
      'another definition of the tool',
      {
        standing: {
          kind: 'listed',
          definition: { sha256: 'f'.repeat(64), accepted: true, declaredProperties: [] },
        },
      },
    ],
    ['another policy', other],
    ['another rule', { obligations: [{ ...byOperator, rule: 'pay-more' }] }],
    ['others', { obligations: [{ ...byOperator, from: ['role:ot.lead'] }] }],
    ['more people', { obligations: [{ ...byOperator, count: 2 }] }],
    ['a passkey', { obligations: [{ ...byOperator, by: 'passkey' }] }],
    ['a longer time', { obligations: [{ ...byOperator, within: 60 * minute }] }],
  ])('and not for %s', async (_, changed) => {
    const { ask, approve, decide } = await world();
    await approve(await ask());
    expect(await decide(changed)).toMatchObject({ met: false, code: 'APPROVAL_REQUIRED' });
    expect(await decide()).toMatchObject({ met: true });
  });

  it('whose keys may be of any name, own prototypes among them', async () => {
    const { ask, approve, decide } = await world();
    const strange = JSON.parse('{"__proto__":{"amount":1},"constructor":1}') as { [key: string]: Json };
    await approve(await ask({ call: callOf(strange) }));
    expect(await decide({ call: callOf({ constructor: 1 }) })).toMatchObject({ met: false });
    const same = JSON.parse('{"constructor":1,"__proto__":{"amount":1}}') as { [key: string]: Json };
    expect(await decide({ call: callOf(same) })).toMatchObject({ met: true });
  });

  it('whatever its id, its progress token and the order of its keys', async () => {
    const { ask, approve, decide } = await world();
    await approve(await ask({ call: callOf(undefined, { _meta: { progressToken: 1 } }) }));
    const again = callOf({ amount: 10, to: 'ada' }, { _meta: { progressToken: 2 } });
    expect(await decide({ call: again })).toMatchObject({ met: true });
  });

  it('that its caller carries out, whatever the id of its request, in the same folder alone', async () => {
    const { ask, approve, decide } = await world();
    const hooked = (callId: string, cwd: string) => {
      const given = { to: 'ada', amount: 10 };
      const context = { cwd, timestamp: callId };
      return {
        ...callOf(),
        params: utf8(JSON.stringify({ callId, server: 'bank', tool: 'pay', arguments: given, context })),
      };
    };
    await approve(await ask({ call: hooked('1', '/srv') }));
    expect(await decide({ call: hooked('2', '/') })).toMatchObject({ met: false });
    expect(await decide({ call: hooked('3', '/srv') })).toMatchObject({ met: true });
  });
});

describe('an approval counts once', () => {
  it('and the next call of the same kind is a request of its own', async () => {
    const { ask, approve, decide } = await world();
    const first = await ask();
    await approve(first);
    expect(await decide()).toMatchObject({ met: true });
    const again = await decide();
    expect(again).toMatchObject({ met: false, code: 'APPROVAL_REQUIRED' });
    expect(!again.met && again.approvals[0]?.id).not.toBe(first);
  });

  it('also when two gates are asked at once', async () => {
    const { ask, approve, check, commit } = await world();
    await approve(await ask());
    const both = await Promise.all([check(), check()]);
    expect(both.every(({ met }) => met)).toBe(true);
    const done = await Promise.allSettled(both.map(commit));
    expect(done.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect(done.find(({ status }) => status === 'rejected')).toMatchObject({
      reason: { code: 'LEDGER_CONFLICT' },
    });
    expect(await check()).toMatchObject({ met: false });
  });

  it('and is there still when a gate has died between the answer and the call', async () => {
    const { ask, approve, check, commit, decide } = await world();
    await approve(await ask());
    await check();
    const decided = await decide();
    expect(decided).toMatchObject({ met: true });
    await expect(commit(decided)).rejects.toMatchObject({ code: 'LEDGER_CONFLICT' });
  });

  it('within its time, and not a moment later', async () => {
    const { ask, approve, check, parts } = await world();
    const now = parts.clock.now();
    await approve(await ask({ now }));
    const { within } = byOperator;
    expect(await check({ now: now + within - 1 })).toMatchObject({ met: true });
    expect(await check({ now: now + within })).toMatchObject({ met: false, code: 'APPROVAL_REQUIRED' });
  });

  it('and not when it was taken back before it was used', async () => {
    const { ask, approve, check, answer } = await world();
    const id = await ask();
    await approve(id);
    const checked = await check();
    await answer(id, { verdict: 'deny', by: 'operator', method: 'terminal' });
    expect(checked.met).toBe(true);
    expect(await check()).toMatchObject({ met: false, code: 'APPROVAL_REFUSED' });
  });
});

describe('a request', () => {
  it('is one however often it is asked, and by however many gates', async () => {
    const { ask, check, commit, ledger } = await world();
    const [one, two] = await Promise.all([check(), check()]);
    await commit(one);
    await expect(commit(two)).rejects.toMatchObject({ code: 'LEDGER_CONFLICT' });
    const id = !one.met && one.approvals[0]?.id;
    expect(await ask()).toBe(id);
    expect(await ask()).toBe(id);
    expect(await openApprovals(ledger, Date.now())).toMatchObject([
      { id, terms: { rule: 'pay' }, grants: [] },
    ]);
    const another = { call: callOf({ to: 'bob' }) };
    const [three, four] = await Promise.all([check(another), check(another)]);
    await commit(three);
    await expect(commit(four)).rejects.toMatchObject({ code: 'LEDGER_CONFLICT' });
  });

  it('names itself and who may approve, to the model and to the person', async () => {
    const { decide } = await world();
    const one = await decide();
    const id = one.met ? '' : (one.approvals[0]?.id ?? '');
    expect(one).toMatchObject({
      message: expect.stringContaining(`Ask the operator: countersign approve ${id}`),
    });
    const two = await decide({ obligations: [{ ...byLead, count: 2 }] });
    expect(two).toMatchObject({
      message: expect.stringContaining('Ask 2 different persons of role:ot.lead, subject:eve to answer'),
      approvals: [{ from: ['role:ot.lead', 'subject:eve'] }],
    });
  });

  it('is one for each obligation, and each must be met', async () => {
    const { decide, approve, as } = await world();
    const obligations = [byOperator, { ...byLead, rule: 'lead' }, byOperator];
    const asked = await decide({ obligations });
    const ids = asked.met ? [] : asked.approvals.map(({ id }) => id);
    expect(ids).toHaveLength(2);
    await approve(ids[0] ?? '');
    expect(await decide({ obligations })).toMatchObject({ met: false, approvals: [{ id: ids[1] }] });
    await as(ids[1] ?? '', lead());
    const met = await decide({ obligations });
    expect(met).toMatchObject({ met: true, stated: [{ rule: 'pay' }, { rule: 'lead' }] });
    expect(await decide({ obligations })).toMatchObject({ met: false });
  });

  it('that was approved stands for no other that was never made', async () => {
    const { ask, approve, check } = await world();
    await approve(await ask());
    expect(await check({ obligations: [byOperator, { ...byLead, rule: 'lead' }] })).toMatchObject({
      met: false,
      code: 'APPROVAL_REQUIRED',
      approvals: [{ from: byLead.from }],
    });
  });

  it('that nobody could read again is not made, and stops no other', async () => {
    const { check, decide } = await world();
    const long = { call: { ...callOf(), tool: 'x'.repeat(5_000) } };
    await expect(decide(long)).rejects.toMatchObject({ code: 'TOO_LARGE' });
    expect(await check()).toMatchObject({ met: false, code: 'APPROVAL_REQUIRED' });
  });

  it('that was refused stays so until it expires', async () => {
    const { ask, answer, check, parts } = await world();
    const now = parts.clock.now();
    const id = await ask({ now });
    await answer(id, { verdict: 'deny', by: 'operator', method: 'terminal' });
    const refused = { met: false, code: 'APPROVAL_REFUSED', approvals: [{ id }], sets: [] };
    expect(await check({ now: now + byOperator.within - 1 })).toMatchObject(refused);
    expect(await check({ now: now + byOperator.within })).toMatchObject({ code: 'APPROVAL_REQUIRED' });
  });

  it('is bounded in number for an agent; expired ones make room and are dropped', async () => {
    const { check, commit, parts, ledger } = await world();
    const now = parts.clock.now();
    const many = async (agent: string, count: number) => {
      for (let at = 0; at < count; at += 1) {
        const principal = principalOf({ agent, human: human('ada') });
        await commit(await check({ now, principal, call: callOf({ at }) }));
      }
    };
    await many('busy', 64);
    const principal = principalOf({ agent: 'busy', human: human('ada') });
    const full = await check({ now, principal });
    expect(full).toMatchObject({ met: false, code: 'TOO_MANY_OPEN', approvals: [], sets: [], expects: [] });
    expect(await check({ now })).toMatchObject({ code: 'APPROVAL_REQUIRED' });
    const later = await check({ now: now + byOperator.within, principal });
    expect(later).toMatchObject({ code: 'APPROVAL_REQUIRED' });
    await commit(later);
    expect(await ledger.headsUnder('approval/')).toHaveProperty('size', 1);
  });
});

describe('a tenant’s requests', () => {
  it.each([
    [511, 'APPROVAL_REQUIRED'],
    [512, 'TOO_MANY_OPEN'],
  ])('are bounded in number, whichever agents ask: beside %i more it is %s', async (count, code) => {
    const { ask, ledger, parts } = await world();
    const now = parts.clock.now();
    await ask({ now });
    const [one] = (await openApprovals(ledger, now)) as [PendingApproval];
    const heads = Array.from({ length: count }, (_, at): [string, string] => {
      const id = at.toString(2).padStart(16, '0').replaceAll('0', 'a').replaceAll('1', 'b');
      const other = { ...one, id, agent: { ...one.agent, id: `spiffe://example.org/agent/${at}` } };
      return [approvalKey(other), encodeApproval(other)];
    });
    const full = { heads: ledger.heads, headsUnder: () => Promise.resolve(new Map(heads)) };
    const question = {
      call: callOf(),
      principal: principalOf(),
      standing,
      policyDigest: 'b'.repeat(64),
      now,
    };
    expect(await checkApprovals(full, { ...question, obligations: [byOperator] })).toMatchObject({ code });
  });
});

describe('what a met approval gives', () => {
  it('states who approved what under which terms, and opens with its salt for whoever holds the call', async () => {
    const { ask, as, decide, statements, ledger, parts } = await world();
    const obligations = [{ ...byLead, count: 2 }];
    const call = callOf();
    const id = await ask({ obligations });
    const [pending] = await openApprovals(ledger, parts.clock.now());
    await as(id, lead());
    expect(await decide({ obligations })).toMatchObject({ met: false, approvals: [{ id }] });
    await as(id, lead('eve', { roles: [] }));
    const met = await decide({ obligations, call });
    if (!met.met || pending === undefined) throw new Error('it was approved');
    const [salt] = met.salts;
    const digest = digestOf(requestDocument(pending, salt?.salt ?? utf8(''), contentOf(call)));
    expect(met.stated).toMatchObject([
      {
        id,
        request: { sha256: digest, covers: 'arguments' },
        rule: 'pay',
        from: ['role:ot.lead', 'subject:eve'],
        count: 2,
        by: 'any',
        grants: [
          { by: { subject: 'lea' }, as: 'role:ot.lead', method: 'token' },
          { by: { subject: 'eve' }, as: 'subject:eve', method: 'token' },
        ],
      },
    ]);
    const said = await statements('approval');
    expect(said.map(({ subject }) => subject[0]?.digest.sha256)).toEqual([digest, digest]);
    expect(JSON.stringify([said, met.stated])).not.toContain('amount');
  });

  it('is bound to what is no tool too', async () => {
    const { ask, approve, decide } = await world();
    const read = (uri: string) => ({
      call: {
        ...callOf({ uri }),
        kind: 'method' as const,
        tool: 'resources:read',
        params: utf8(JSON.stringify({ uri })),
      },
      standing: { kind: 'method' as const, listed: true },
    });
    await approve(await ask(read('file:///a')));
    expect(await decide(read('file:///b'))).toMatchObject({ met: false });
    expect(await decide({ ...read('file:///a'), standing })).toMatchObject({ met: false });
    expect(await decide(read('file:///a'))).toMatchObject({ met: true });
  });
});

describe('a ledger that somebody else wrote to', () => {
  it.each<[string, (head: string) => string]>([
    ['is not JSON', () => '{'],
    ['has a member more', (head) => head.replace('{', '{"a":1,')],
    ['has a key twice', (head) => head.replace('"count":1', '"count":1,"count":1')],
    ['has spaces', (head) => head.replace('{', '{ ')],
    ['lives longer', (head) => head.replace(/"expiresAt":(\d)/, '"expiresAt":9$1')],
    ['is of another tenant', (head) => head.replace('"tenant":"default"', '"tenant":"other"')],
    ['has a grant that nobody gave', (head) => head.replace('"grants":[]', '"grants":[{"by":"operator"}]')],
    [
      'has an operator with a token',
      (head) =>
        head.replace(
          '"grants":[]',
          `"grants":[{"as":"operator","at":1,"by":"operator","method":"token","statement":"${'a'.repeat(64)}"}]`,
        ),
    ],
  ])('decides nothing when a request %s', async (_, spoil) => {
    const { ask, check, ledger } = await world();
    await ask();
    const heads = await ledger.headsUnder('approval/');
    const [[key, head]] = [...heads] as [[string, string]];
    expect(spoil(head)).not.toBe(head);
    const spoiled = { heads: ledger.heads, headsUnder: () => Promise.resolve(new Map([[key, spoil(head)]])) };
    const question = {
      call: callOf(),
      principal: principalOf(),
      standing,
      obligations: [byOperator],
      policyDigest: 'b',
      now: 0,
    };
    await expect(checkApprovals(spoiled, question)).rejects.toMatchObject({ code: 'LEDGER_CORRUPT' });
    expect(await check()).toMatchObject({ met: false });
  });
});
