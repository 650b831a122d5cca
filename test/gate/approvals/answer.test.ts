import { describe, expect, it } from 'vitest';
import { approverOf } from '../../../src/gate/approvals/approvers.ts';
import { approvalsFor } from '../../../src/gate/approvals/open-approvals.ts';
import { verifiedPrincipal } from '../../../src/identity/principal.ts';
import { byLead, byOperator, human, lead, principalOf, world } from './world.ts';

const role = { obligations: [byLead] };

describe('whoever must not approve', () => {
  it('is refused: a terminal for a role', async () => {
    const { ask, approve, check, statements } = await world();
    const id = await ask(role);
    await expect(approve(id)).rejects.toMatchObject({ code: 'APPROVER_REFUSED' });
    expect(await check(role)).toMatchObject({ met: false, code: 'APPROVAL_REQUIRED' });
    expect(await statements('approval')).toEqual([]);
  });

  it.each([{ from: ['operator', 'role:ot.lead'], count: 2 }, { by: 'passkey' as const }])(
    'is refused: a terminal for %j, whatever a policy may say of operators',
    async (more) => {
      const { ask, approve } = await world();
      const id = await ask({ obligations: [{ ...byOperator, ...more }] });
      await expect(approve(id)).rejects.toMatchObject({ code: 'APPROVER_REFUSED' });
    },
  );

  it('is refused: the person for whom the call is made, whatever their role', async () => {
    const { ask, as } = await world();
    const id = await ask(role);
    await expect(as(id, lead('ada'))).rejects.toMatchObject({ code: 'APPROVER_REFUSED' });
    await expect(as(id, lead('ada', { issuer: 'https://other.example.org' }))).resolves.toMatchObject({
      isNew: true,
    });
  });

  it('is refused: the agent that asks, with the token of a person who may', async () => {
    const { ask, as } = await world();
    const id = await ask(role);
    const agent = 'spiffe://example.org/agent/planner';
    await expect(as(id, lead('lea', { agent }))).rejects.toMatchObject({ code: 'APPROVER_REFUSED' });
  });

  it('learns nothing: another role, another subject, another tenant, an id that never was', async () => {
    const { ask, as, parts } = await world();
    const id = await ask(role);
    const strangers = [
      lead('lea', { roles: ['lead'] }),
      lead('lea', { roles: [], groups: ['ot.lead'] }),
      lead('role:ot.lead', { roles: [] }),
      lead('lea', { tenant: 'other' }),
    ];
    for (const stranger of strangers) {
      await expect(as(id, stranger)).rejects.toMatchObject({ code: 'NOT_FOUND' });
      await expect(as(id, stranger, 'deny')).rejects.toMatchObject({ code: 'NOT_FOUND' });
      expect(await approvalsFor(parts.ledger, stranger, parts.clock.now())).toEqual([]);
    }
    for (const never of ['a'.repeat(16), '', '__proto__', '../x', id.toUpperCase()])
      await expect(as(never, lead())).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  it('is refused: a token where the rule demands a passkey; a no takes none', async () => {
    const { ask, as } = await world();
    const id = await ask({ obligations: [{ ...byLead, by: 'passkey' }] });
    await expect(as(id, lead())).rejects.toMatchObject({ code: 'APPROVER_REFUSED' });
    expect(await as(id, lead(), 'deny')).toMatchObject({ state: 'refused' });
  });

  it('is refused: a passkey’s signature that is none by its form', async () => {
    const { ask, answer } = await world();
    const id = await ask({ obligations: [{ ...byLead, by: 'passkey' }] });
    const parts = {
      credentialId: 'AAAA',
      publicKey: 'AAAA',
      authenticatorData: 'AAAA',
      clientDataJson: 'AAAA',
    };
    const assertion = { ...parts, signature: '=', rpId: 'example.org' };
    const answered = answer(id, { verdict: 'approve', by: lead(), method: 'passkey', assertion });
    await expect(answered).rejects.toMatchObject({ code: 'APPROVER_REFUSED' });
  });

  it('is late: an expired request is not there any more', async () => {
    const { ask, approve, clock } = await world();
    const id = await ask();
    clock.offset = byOperator.within;
    await expect(approve(id)).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });
});

describe('a person who answers', () => {
  it('brings a token of their own: none, one with an actor and one that is limited to tools do not count', () => {
    const acting = human('lea', { act: [{ subject: 'planner' }] });
    const limited = verifiedPrincipal({
      ...principalOf({ human: human('lea') }),
      limits: [{ by: 'delegation', tools: ['bank/pay'] }],
    });
    const known = principalOf({ human: human('lea') });
    const unverified = [
      verifiedPrincipal({ ...known, ...(known.human && { human: { ...known.human, verified: false } }) }),
      verifiedPrincipal({ ...known, agent: { ...known.agent, verified: false } }),
    ];
    for (const principal of [principalOf(), principalOf({ human: acting }), limited, ...unverified])
      expect(() => approverOf(principal)).toThrow(expect.objectContaining({ code: 'APPROVER_REFUSED' }));
    expect(approverOf(principalOf({ human: human('lea', { roles: ['ot.lead'] }) }))).toMatchObject({
      subject: 'lea',
      roles: ['ot.lead'],
      tenant: 'default',
    });
  });

  it('counts once towards a quorum, however often they answer', async () => {
    const { ask, as, check, statements } = await world();
    const two = { obligations: [{ ...byLead, count: 2 }] };
    const id = await ask(two);
    expect(await as(id, lead())).toMatchObject({ state: 'pending', isNew: true });
    expect(await as(id, lead())).toMatchObject({ state: 'pending', isNew: false });
    expect(await check(two)).toMatchObject({ met: false });
    expect(await as(id, lead('max'))).toMatchObject({ state: 'approved', isNew: true });
    expect(await as(id, lead('eva'))).toMatchObject({ state: 'approved', isNew: false });
    expect(await check(two)).toMatchObject({ met: true });
    expect(await statements('approval')).toHaveLength(2);
  });

  it('loses nothing when several answer at once', async () => {
    const { ask, as, check } = await world();
    const many = { obligations: [{ ...byLead, count: 8 }] };
    const id = await ask(many);
    const people = Array.from({ length: 8 }, (_, at) => lead(`lead-${at}`));
    const settled = await Promise.allSettled(people.map((each) => as(id, each)));
    for (const [at, { status }] of settled.entries())
      if (status === 'rejected') await as(id, lead(`lead-${at}`));
    expect(await check(many)).toMatchObject({ met: true });
  });

  it('answers nothing that nobody could read again, and all of their tenant’s approvals with it', async () => {
    const { ask, as } = await world();
    const id = await ask(role);
    await expect(as(id, lead('x'.repeat(5_000)))).rejects.toMatchObject({ code: 'TOO_LARGE' });
    expect(await as(id, lead())).toMatchObject({ state: 'approved' });
  });

  it('ends a request with one no, which nobody turns into a yes', async () => {
    const { ask, as, check } = await world();
    const id = await ask(role);
    await as(id, lead());
    expect(await as(id, lead('max'), 'deny')).toMatchObject({ state: 'refused', isNew: true });
    expect(await as(id, lead('max'), 'deny')).toMatchObject({ state: 'refused', isNew: false });
    await expect(as(id, lead('eva'))).rejects.toMatchObject({ code: 'APPROVAL_REFUSED' });
    expect(await check(role)).toMatchObject({ met: false, code: 'APPROVAL_REFUSED' });
  });

  it('is told of what they may answer, and of nothing else', async () => {
    const { ask, parts } = await world();
    const id = await ask(role);
    await ask();
    const now = parts.clock.now();
    expect(await approvalsFor(parts.ledger, lead(), now)).toMatchObject([{ id }]);
    expect(await approvalsFor(parts.ledger, lead('ada'), now)).toEqual([]);
    expect(await approvalsFor(parts.ledger, lead(), now + byLead.within)).toEqual([]);
  });
});

describe('an answer in the log', () => {
  it('is a statement of its own about the document that was shown, by the operator who is nobody in particular', async () => {
    const { ask, approve, statements, check } = await world();
    const id = await ask();
    const { approval } = await approve(id);
    const [said] = await statements('approval');
    expect(said?.subject).toEqual([
      { name: `urn:countersign:approval:${id}`, digest: { sha256: approval.document.sha256 } },
    ]);
    expect(said?.predicate).toMatchObject({
      id,
      answer: 'approve',
      by: 'operator',
      as: 'operator',
      method: 'terminal',
      tenant: 'default',
      tool: { server: 'bank', name: 'pay' },
      rule: 'pay',
      mode: 'same-user',
    });
    expect(await check()).toMatchObject({ met: true, stated: [{ grants: [{ by: 'operator' }] }] });
  });
});
