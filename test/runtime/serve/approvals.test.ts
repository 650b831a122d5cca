import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../../src/call/json.ts';
import type { Credentials } from '../../../src/identity/principal.ts';
import { changeRecorder } from '../../../src/runtime/changes.ts';
import { readConfig } from '../../../src/runtime/config/read.ts';
import { createCallDesks } from '../../../src/runtime/serve/call-desks.ts';
import { declareActions } from '../../../src/runtime/serve/declared-actions.ts';
import { createGatewayApp } from '../../../src/runtime/serve/gateway-app.ts';
import { byLead, human, principalOf } from '../../gate/approvals/world.ts';
import { allowEverything, harness } from '../../gate/harness.ts';

const leads = { roles: ['ot.lead'] };
const callers = {
  planner: principalOf({ human: human('ada') }),
  lea: principalOf({ agent: 'approvals', human: human('lea', leads) }),
  max: principalOf({ agent: 'approvals', human: human('max', leads) }),
};

/** The whole application, over a gate whose policy demands two leads. */
async function served() {
  const obligations = [{ ...byLead, count: 2 }];
  const { parts } = await harness({
    decide: () => ({ ...allowEverything(), obligations }) as ReturnType<typeof allowEverything>,
  });
  const authenticator = {
    authenticate: ({ apiKey }: Credentials) => callers[apiKey as keyof typeof callers],
  };
  const config = readConfig({ name: 'countersign.yaml', text: 'version: 1\n', env: {} });
  const app = createGatewayApp({
    parts: { ...parts, authenticator },
    recordChange: changeRecorder(parts, 'same-user'),
    settings: { config, transmitters: [], declared: declareActions(config.actions), servers: new Map() },
    isOwnHost: () => true,
    trustRoot: { issuers: () => () => new Uint8Array(), file: () => new Uint8Array() },
    desks: createCallDesks(),
    version: '0',
    stderr: { write: () => true },
  });
  const ask = async (who: keyof typeof callers, path: string, body?: object): Promise<JsonObject> => {
    const headers = { host: 'gate', authorization: `Bearer ${who}`, 'content-type': 'application/json' };
    const sent = body && { method: 'POST', body: JSON.stringify(body) };
    const response = await app.fetch(new Request(`http://gate${path}`, { headers, ...sent }), {});
    return (await response.json()) as JsonObject;
  };
  return {
    ask,
    call: () =>
      ask('planner', '/v1/calls', {
        server: 'bank',
        tool: 'pay',
        definition: { name: 'pay' },
        arguments: { to: 'ada' },
      }),
    async [Symbol.asyncDispose]() {
      await app.endStreams(0);
      await app.close();
    },
  };
}

describe('a gateway', () => {
  it('has a call approved by the people whom the rule names, who see what would run', async () => {
    await using gateway = await served();
    const { ask, call } = gateway;
    expect(await call()).toMatchObject({ decision: 'DENY', denial: { code: 'APPROVAL_REQUIRED' } });
    expect(await ask('planner', '/v1/approvals')).toEqual({ approvals: [] });
    const { approvals } = (await ask('lea', '/v1/approvals')) as { approvals: { id: string }[] };
    const path = `/v1/approvals/${approvals[0]?.id ?? ''}`;
    expect(await ask('lea', path)).toMatchObject({ content: { arguments: { to: 'ada' } } });
    expect(await ask('lea', path, { answer: 'approve' })).toMatchObject({ state: 'pending' });
    expect(await call()).toMatchObject({ decision: 'DENY', denial: { code: 'APPROVAL_REQUIRED' } });
    expect(await ask('max', path, { answer: 'approve' })).toMatchObject({ state: 'approved' });
    const allowed = await call();
    expect(allowed).toMatchObject({ decision: 'ALLOW' });
    expect(await call()).toMatchObject({ decision: 'DENY', denial: { code: 'APPROVAL_REQUIRED' } });
    const { permit, callId } = allowed as { permit: { handle: string }; callId: string };
    await ask('planner', `/v1/calls/${callId}/outcome`, { handle: permit.handle, outcome: 'aborted' });
  });
});
