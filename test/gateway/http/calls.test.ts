import { describe, expect, it } from 'vitest';
import { utf8 } from '../../../src/call/sha256.ts';
import { commit } from '../../../src/call/commitment.ts';
import { hex } from '../../../src/call/sha256.ts';
import { uuidv7 } from '../../../src/call/uuid.ts';
import { createCallDesk } from '../../../src/gate/call-desk.ts';
import { createGates } from '../../../src/gate/create-gate.ts';
import { callRoutes } from '../../../src/gateway/http/calls.ts';
import { apiKeyDigest, newApiKey } from '../../../src/identity/api-key.ts';
import { metaKeys } from '../../../src/names.ts';
import { changeRecorder } from '../../../src/runtime/changes.ts';
import { denyEverything, harness, statementOf, type HarnessOptions } from '../../gate/harness.ts';

interface Body {
  readonly callId: string;
  readonly decision?: string;
  readonly permit?: { readonly handle: string; readonly settleBy: string };
  readonly denial?: { readonly code: string };
  readonly error?: { readonly code: string };
  readonly _meta?: Record<
    string,
    { readonly verdict?: object; readonly outcome?: object; readonly openings: { readonly params: string } }
  >;
}

async function gateway(options: HarnessOptions = {}) {
  const made = await harness(options);
  const { parts, keys, apiKey, ledger } = made;
  const gates = createGates(parts);
  const desk = createCallDesk({ gates, ledger, recordChange: changeRecorder(parts, 'same-user') });
  const app = callRoutes({ gate: gates, desk, maxBodyBytes: 4_000 });
  const post = async (path: string, body: unknown, { key = apiKey, type = 'application/json' } = {}) => {
    const response = await app.request(path, {
      method: 'POST',
      body: typeof body === 'string' ? body : JSON.stringify(body),
      headers: { authorization: `Bearer ${key}`, 'content-type': type },
    });
    const text = await response.text();
    return { status: response.status, headers: response.headers, text, json: JSON.parse(text) as Body };
  };
  const request = { server: 'notes', tool: 'add', definition: { name: 'add' }, arguments: { text: 'hello' } };
  const ask = (changes: object = {}, more?: Parameters<typeof post>[2]) =>
    post('/v1/calls', { ...request, ...changes }, more);
  const report = ({ callId, permit }: Body, said: object, more?: Parameters<typeof post>[2]) =>
    post(`/v1/calls/${callId}/outcome`, { handle: permit?.handle, ...said }, more);
  const secondKey = newApiKey();
  const digest = apiKeyDigest(secondKey, new Uint8Array(32));
  keys.set(digest, { ...[...keys.values()][0]!, id: 'key-2', agents: ['other'], digest });
  return { ...made, gates, ask, report, post, request, secondKey };
}

const envelopesOf = ({ _meta }: Body) => _meta?.[metaKeys.envelope];
const predicateOf = (bundle: object | undefined): Record<string, unknown> =>
  statementOf(JSON.stringify(bundle)).predicate;

describe('POST /v1/calls', () => {
  it('answers an ALLOW with its envelope, a handle, and a commitment that the very body opens', async () => {
    const { ask, gates, request } = await gateway();
    const { status, json } = await ask();
    expect(status).toBe(200);
    expect(json).toMatchObject({
      decision: 'ALLOW',
      permit: { handle: expect.stringMatching(/^[\w-]{43}$/) },
    });
    const { verdict, openings } = envelopesOf(json) ?? {};
    const predicate = predicateOf(verdict);
    expect(predicate).toMatchObject({ callId: json.callId, settleBy: json.permit?.settleBy });
    const salt = Buffer.from(openings?.params ?? '', 'base64');
    expect(predicate['params']).toEqual({
      commitment: { sha256: hex(commit(salt, utf8(JSON.stringify(request)))) },
    });
    await gates.close();
  });

  it('answers a signed DENY like a signed ALLOW: 200, without a handle', async () => {
    const { ask, gates } = await gateway({ decide: denyEverything });
    const { status, headers, json } = await ask();
    expect([status, json.decision, json.denial?.code]).toEqual([200, 'DENY', 'NO_RULE_ALLOWS']);
    expect(headers.get('countersign-reason')).toBe('NO_RULE_ALLOWS');
    expect(json).not.toHaveProperty('permit');
    expect(predicateOf(envelopesOf(json)?.verdict)['verdict']).toBe('DENY');
    await gates.close();
  });

  it('says that it could not decide with the status of what failed, and still says DENY', async () => {
    const store = await gateway();
    const { parts, ledger } = store;
    const broken = { ...ledger, append: () => Promise.reject(new Error('down')) };
    const gates = createGates({ ...parts, ledger: broken });
    const desk = createCallDesk({ gates, ledger: broken, recordChange: changeRecorder(parts, 'same-user') });
    const app = callRoutes({ gate: gates, desk, maxBodyBytes: 4_000 });
    const response = await app.request('/v1/calls', {
      method: 'POST',
      body: JSON.stringify(store.request),
      headers: { authorization: `Bearer ${store.apiKey}`, 'content-type': 'application/json' },
    });
    expect(response.status).toBe(500);
    expect(await response.json()).toMatchObject({ decision: 'DENY', _meta: {} });
  });

  it('gives the very same answer to the very same request, byte for byte', async () => {
    const { ask, gates, ledger } = await gateway();
    const callId = uuidv7(Date.now());
    const answers = await Promise.all(Array.from({ length: 50 }, () => ask({ callId })));
    expect(new Set(answers.map(({ text }) => text)).size).toBe(1);
    expect(await ledger.entriesOfCall(callId)).toHaveLength(1);
    await gates.close();
  });

  it('answers an id that stands for something else with 409', async () => {
    const { ask, gates, secondKey } = await gateway();
    const callId = uuidv7(Date.now());
    await ask({ callId });
    const other = await ask({ callId, arguments: { text: 'other' } });
    expect([other.status, other.json.error?.code]).toEqual([409, 'CALL_ID_REUSED']);
    const foreign = await ask({ callId }, { key: secondKey });
    expect([foreign.status, foreign.json.error?.code]).toEqual([409, 'CALL_ID_KNOWN']);
    await gates.close();
  });

  it('tells nobody without a key anything', async () => {
    const { post, keys, gates, ledger } = await gateway();
    for (const [, record] of keys) keys.set(record.digest, { ...record, status: 'revoked' });
    for (const path of ['/v1/calls', '/v1/calls/x/outcome']) {
      const { status, json } = await post(path, 'no json at all');
      expect([status, Object.keys(json), json.error?.code]).toEqual([401, ['error'], 'API_KEY_REVOKED']);
    }
    expect(await ledger.checkpoint()).toBeNull();
    await gates.close();
  });

  it.each([
    ['what is no JSON', '{"server":', 400, 'FRAME_INVALID'],
    ['a key that stands twice', '{"server":"a","server":"b","tool":"t"}', 400, 'ARGUMENTS_AMBIGUOUS'],
    [
      'a number that a double cannot hold',
      '{"server":"a","tool":"t","arguments":{"n":12345678901234567890}}',
      400,
      'ARGUMENTS_AMBIGUOUS',
    ],
    ['too much', `{"server":"a","tool":"${'t'.repeat(4_000)}"}`, 413, 'TOO_LARGE'],
  ])('refuses %s before anything is decided', async (_, body, expected, code) => {
    const { post, ledger, gates } = await gateway();
    const { status, json } = await post('/v1/calls', body);
    expect([status, json.error?.code]).toEqual([expected, code]);
    expect(await ledger.checkpoint()).toBeNull();
    await gates.close();
  });
});

describe('POST /v1/calls/ID/outcome', () => {
  it('settles the call, and answers with both envelopes', async () => {
    const { ask, report, gates } = await gateway();
    const { json } = await ask();
    const settled = await report(json, { outcome: 'executed', result: { rows: 3 } });
    expect([settled.status, settled.json.callId]).toEqual([200, json.callId]);
    const { verdict, outcome } = envelopesOf(settled.json) ?? {};
    expect(predicateOf(verdict)['callId']).toBe(json.callId);
    expect(predicateOf(outcome)).toMatchObject({ outcome: 'executed', observedBy: 'caller' });
    await gates.close();
  });

  it('answers the same report alike, and another one with 409', async () => {
    const { ask, report, gates, ledger } = await gateway();
    const { json } = await ask();
    const both = await Promise.all([
      report(json, { outcome: 'executed' }),
      report(json, { outcome: 'executed' }),
    ]);
    expect(both.map(({ status }) => status)).toEqual([200, 200]);
    expect(both[0].text).toBe(both[1].text);
    const other = await report(json, { outcome: 'failed' });
    expect([other.status, other.json.error?.code]).toEqual([409, 'HANDLE_USED']);
    expect(await ledger.entriesOfCall(json.callId)).toHaveLength(2);
    await gates.close();
  });

  it('refuses another handle, another key, another call, and what comes too late', async () => {
    const { ask, report, gates, secondKey, clock, ledger } = await gateway();
    const [{ json: mine }, { json: other }] = [await ask(), await ask()];
    const said = { outcome: 'executed' };
    const codes = async (answer: ReturnType<typeof report>): Promise<unknown> => {
      const { status, json } = await answer;
      return [status, json.error?.code];
    };
    expect(await codes(report({ ...mine, permit: other.permit! }, said))).toEqual([403, 'HANDLE_INVALID']);
    expect(await codes(report(mine, said, { key: secondKey }))).toEqual([403, 'HANDLE_FOREIGN']);
    expect(await codes(report({ ...mine, callId: 'nothing' }, said))).toEqual([404, 'NOT_FOUND']);
    clock.offset = 61_000;
    expect(await codes(report(mine, said))).toEqual([410, 'HANDLE_EXPIRED']);
    const [, outcome] = await ledger.entriesOfCall(mine.callId);
    expect(Buffer.from(outcome!.payload).toString()).toContain('"outcome":"unknown"');
    await gates.close();
  });
});
