import { beforeAll, describe, expect, it } from 'vitest';
import { uuidv7 } from '../../../src/call/uuid.ts';
import { createCallDesk } from '../../../src/gate/call-desk.ts';
import { createGates } from '../../../src/gate/create-gate.ts';
import { callRoutes } from '../../../src/gateway/http/calls.ts';
import { createAuthenticator } from '../../../src/identity/authenticate.ts';
import { metaKeys } from '../../../src/names.ts';
import { changeRecorder } from '../../../src/runtime/changes.ts';
import { harness, statementOf, type Harness } from '../../gate/harness.ts';
import {
  grantClaims,
  granterWith,
  handOn,
  heldBy,
  signGrant,
  trusting,
} from '../../identity/grants/granting.ts';
import { testKey, type Claims, type TestKey } from '../../identity/tokens/tokens.ts';

const agent = 'spiffe://plant.test/agent/default';

let lead: TestKey;
let holder: TestKey;
beforeAll(async () => {
  [lead, holder] = await Promise.all([testKey('lead'), testKey('holder')]);
});

/** Claims of a grant to the harness’s agent, by the clock of today. */
function claims(changes: Claims = {}): Claims {
  const seconds = Math.floor(Date.now() / 1_000);
  return grantClaims({ sub: agent, iat: seconds - 60, exp: seconds + 600, tools: ['notes/*'], ...changes });
}

async function gateway() {
  const { parts, keys, apiKey, ledger }: Harness = await harness();
  const authenticator = createAuthenticator({
    trustDomain: 'plant.test',
    keys: {
      peppers: () => [{ version: 1, secret: new Uint8Array(32) }],
      find: (digest) => keys.get(digest),
    },
    granters: trusting(granterWith(lead)),
  });
  const gates = createGates({ ...parts, authenticator });
  const desk = createCallDesk({ gates, ledger, recordChange: changeRecorder(parts, 'same-user') });
  const app = callRoutes({ gate: gates, desk, maxBodyBytes: 4_000 });
  return {
    async ask(grant: string | undefined, changes: object = {}) {
      const request = { server: 'notes', tool: 'add', definition: { name: 'add' }, arguments: {} };
      const response = await app.request('/v1/calls', {
        method: 'POST',
        body: JSON.stringify({ ...request, ...changes }),
        headers: {
          authorization: `Bearer ${apiKey}`,
          'content-type': 'application/json',
          ...(grant !== undefined && { 'countersign-grant': grant }),
        },
      });
      const json = (await response.json()) as {
        readonly denial?: { readonly code: string };
        readonly error?: { readonly code: string };
        readonly _meta?: Record<string, { readonly verdict?: object }>;
      };
      const { verdict } = json._meta?.[metaKeys.envelope] ?? {};
      const stated = verdict && statementOf(JSON.stringify(verdict)).predicate['principal'];
      return {
        status: response.status,
        code: json.denial?.code ?? json.error?.code,
        grants: (stated as { readonly grants?: readonly object[] } | undefined)?.grants,
      };
    },
    [Symbol.asyncDispose]: () => gates.close(),
  };
}

describe('a grant in a request', () => {
  it.each<[string, string, () => Promise<string>]>([
    ['is none', 'GRANT_INVALID', () => Promise.resolve('x')],
    ['is empty', 'GRANT_INVALID', () => Promise.resolve('')],
    ['is another agent’s', 'GRANT_FOREIGN', () => signGrant(lead, claims({ sub: `${agent}-2` }))],
    [
      'has ended',
      'GRANT_EXPIRED',
      () => signGrant(lead, claims({ exp: Math.floor(Date.now() / 1_000) - 1 })),
    ],
    ['is for other tools', 'GRANT_TOOL_REFUSED', () => signGrant(lead, claims({ tools: ['mail/*'] }))],
    ['is for other calls', 'GRANT_CONDITION_REFUSED', () => signGrant(lead, claims({ when: 'args.n > 1' }))],
  ])('that %s denies the call in a signed statement', async (_, code, made) => {
    await using place = await gateway();
    const answer = await place.ask(await made());
    expect(answer).toMatchObject({ status: 200, code });
  });

  it('is stated with its chain, whether the call is allowed or denied', async () => {
    await using place = await gateway();
    const parent = await signGrant(lead, claims(heldBy(holder)));
    const grant = await handOn(holder, parent, claims({ iss: undefined, jti: 'part-1', request: 'secret' }));
    // Without `iss` it is none; with it, it is.
    expect((await place.ask(grant)).code).toBe('GRANT_INVALID');
    const { iss: _, ...rest } = claims({ jti: 'part-1', request: 'secret' });
    const good = await handOn(holder, parent, rest);
    const stated = [
      { id: 'task-1', issuer: 'shift-lead', subject: agent },
      { id: 'part-1', issuer: expect.stringMatching(/^sha256:[0-9a-f]{64}$/) as string, subject: agent },
    ];
    const allowed = await place.ask(good);
    expect(allowed.code).toBeUndefined();
    expect(allowed.grants).toMatchObject(stated);
    expect(JSON.stringify(allowed.grants)).not.toContain('secret');
    const denied = await place.ask(good, { server: 'mail' });
    expect(denied.code).toBe('GRANT_TOOL_REFUSED');
    expect(denied.grants).toMatchObject(stated);
  });

  it('is part of the question: the answer under one is not the answer under another, nor under none', async () => {
    await using place = await gateway();
    const callId = uuidv7(Date.now());
    const [wide, narrow] = await Promise.all([
      signGrant(lead, claims()),
      signGrant(lead, claims({ jti: 'task-2', tools: [] })),
    ]);
    expect((await place.ask(wide, { callId })).code).toBeUndefined();
    expect((await place.ask(wide, { callId })).code).toBeUndefined();
    expect((await place.ask(narrow, { callId })).code).toBe('CALL_ID_REUSED');
    expect((await place.ask(undefined, { callId })).code).toBe('CALL_ID_REUSED');
  });
});
