import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../../src/call/json.ts';
import { CountersignError } from '../../../src/errors.ts';
import { createApprovalDesk } from '../../../src/gate/approvals/approval-desk.ts';
import { approvalRoutes } from '../../../src/gateway/http/approvals.ts';
import type { Credentials, Principal } from '../../../src/identity/principal.ts';
import { byLead, byOperator, callOf, human, principalOf, world } from '../../gate/approvals/world.ts';

const leads = { roles: ['ot.lead'] };

/** By API key: who it is that a gateway has found. */
const callers: Readonly<Record<string, Principal>> = {
  lea: principalOf({ agent: 'approvals', human: human('lea', leads) }),
  max: principalOf({ agent: 'approvals', human: human('max', leads) }),
  ada: principalOf({ agent: 'approvals', human: human('ada', leads) }),
  bob: principalOf({ agent: 'approvals', human: human('bob') }),
  planner: principalOf({ agent: 'planner', human: human('lea', leads) }),
  foreign: principalOf({ agent: 'approvals', human: human('lea', leads), tenant: 'other' }),
  program: principalOf({ agent: 'approvals' }),
};

async function gateway() {
  const made = await world();
  const authenticate = ({ apiKey = '' }: Credentials): Promise<Principal> => {
    const caller = callers[apiKey];
    if (caller === undefined) throw new CountersignError('API_KEY_UNKNOWN', 'nobody');
    return Promise.resolve(caller);
  };
  const app = approvalRoutes({ gate: { authenticate }, desk: createApprovalDesk(made.parts) });
  const ask = async (key: string, path = '', body?: unknown, type = 'application/json') => {
    const response = await app.request(`/v1/approvals${path}`, {
      headers: { authorization: `Bearer ${key}`, 'content-type': type },
      ...(body !== undefined && {
        method: 'POST',
        body: typeof body === 'string' ? body : JSON.stringify(body),
      }),
    });
    const json = (await response.json()) as JsonObject & { error?: { code: string } };
    return { status: response.status, code: json.error?.code, json };
  };
  return { ...made, ask, asking: made.ask };
}

describe('approvals over HTTP', () => {
  it('are listed, shown and answered for the person who may answer', async () => {
    const { ask, asking, check } = await gateway();
    const id = await asking({ obligations: [byLead] });
    await asking({ obligations: [byOperator] });
    const listed = await ask('lea');
    expect(listed).toMatchObject({
      status: 200,
      json: {
        approvals: [
          {
            id,
            state: 'pending',
            tool: { server: 'bank', name: 'pay' },
            agent: { id: 'spiffe://example.org/agent/planner' },
            human: { subject: 'ada' },
            from: ['role:ot.lead', 'subject:eve'],
            grants: [],
          },
        ],
      },
    });
    expect(await ask('lea', `/${id}`)).toMatchObject({
      status: 200,
      json: { id, content: null, findings: [] },
    });
    const answered = await ask('lea', `/${id}`, { answer: 'approve' });
    expect(answered).toMatchObject({ status: 200, json: { state: 'approved', new: true } });
    expect(await ask('lea', `/${id}`, { answer: 'approve' })).toMatchObject({ json: { new: false } });
    expect(await check({ obligations: [byLead] })).toMatchObject({ met: true });
  });

  it('end with a no, and say so to whoever comes later', async () => {
    const { ask, asking, check } = await gateway();
    const id = await asking({ obligations: [byLead] });
    expect(await ask('max', `/${id}`, { answer: 'deny' })).toMatchObject({ json: { state: 'refused' } });
    expect(await ask('lea', `/${id}`, { answer: 'approve' })).toMatchObject({
      status: 403,
      code: 'APPROVAL_REFUSED',
    });
    expect(await check({ obligations: [byLead] })).toMatchObject({ code: 'APPROVAL_REFUSED' });
  });

  it.each([
    ['somebody without the role', 'bob', 404, 'NOT_FOUND'],
    ['another tenant', 'foreign', 404, 'NOT_FOUND'],
    ['a program', 'program', 403, 'APPROVER_REFUSED'],
    ['nobody', 'x', 401, 'API_KEY_UNKNOWN'],
  ])('are not there for %s, neither to see nor to answer', async (_, key, status, code) => {
    const { ask, asking, ledger } = await gateway();
    const id = await asking({ obligations: [byLead] });
    const before = await ledger.headsUnder('approval/');
    for (const refused of [await ask(key, `/${id}`), await ask(key, `/${id}`, { answer: 'approve' })])
      expect(refused).toMatchObject({ status, code });
    const listed = await ask(key);
    if (status === 404) expect(listed.json).toEqual({ approvals: [] });
    else expect(listed).toMatchObject({ status, code });
    const never = await ask(key, '/aaaaaaaaaaaaaaaa');
    expect([never.status, never.code]).toEqual([status, code]);
    expect(await ledger.headsUnder('approval/')).toEqual(before);
  });

  it.each([
    ['the person for whom the call is made', 'ada'],
    ['the agent that asks, with the token of somebody who may', 'planner'],
  ])('are refused to %s, and not listed', async (_, key) => {
    const { ask, asking } = await gateway();
    const id = await asking({ obligations: [byLead] });
    expect((await ask(key)).json).toEqual({ approvals: [] });
    expect(await ask(key, `/${id}`)).toMatchObject({ status: 404 });
    expect(await ask(key, `/${id}`, { answer: 'approve' })).toMatchObject({
      status: 403,
      code: 'APPROVER_REFUSED',
    });
  });

  it.each([
    ['{"answer":"approve","answer":"deny"}', 'ARGUMENTS_AMBIGUOUS'],
    ['{"answer":"yes"}', 'FRAME_INVALID'],
    ['{"answer":"approve","id":"x"}', 'FRAME_INVALID'],
    ['{}', 'FRAME_INVALID'],
    ['', 'FRAME_INVALID'],
    [`{"answer":"approve"${' '.repeat(2_000)}}`, 'TOO_LARGE'],
  ])('take one word, and not %s', async (body, code) => {
    const { ask, asking, check } = await gateway();
    const id = await asking({ obligations: [byLead] });
    expect(await ask('lea', `/${id}`, body)).toMatchObject({ code });
    expect(await check({ obligations: [byLead] })).toMatchObject({ met: false });
  });

  it('take no form that a page of another site could send', async () => {
    const { ask, asking } = await gateway();
    const id = await asking({ obligations: [byLead], call: callOf() });
    expect(await ask('lea', `/${id}`, '{"answer":"approve"}', 'text/plain')).toMatchObject({
      code: 'FRAME_INVALID',
    });
  });
});
