import { describe, expect, it } from 'vitest';
import { canonicalJson } from '../../../src/call/canonical-json.ts';
import { commit } from '../../../src/call/commitment.ts';
import type { JsonObject } from '../../../src/call/json.ts';
import { hex, utf8 } from '../../../src/call/sha256.ts';
import { createCallDesk } from '../../../src/gate/call-desk.ts';
import { createGates } from '../../../src/gate/create-gate.ts';
import { authzenRoutes } from '../../../src/gateway/http/authzen.ts';
import { callRoutes } from '../../../src/gateway/http/calls.ts';
import { metaKeys } from '../../../src/names.ts';
import { changeRecorder } from '../../../src/runtime/changes.ts';
import {
  allowEverything,
  denyEverything,
  harness,
  statementOf,
  type HarnessOptions,
} from '../../gate/harness.ts';

interface Decision {
  readonly decision?: boolean;
  readonly context?: Record<string, Record<string, unknown>>;
}
interface Answer extends Decision {
  readonly evaluations?: readonly Decision[];
  readonly error?: { readonly code: string };
}

const subject = { type: 'agent', id: 'spiffe://gate.test/agent/default' };
const action = { name: 'tools/call' };
const tool = (name: string, args: JsonObject = {}) => ({
  type: 'tool',
  id: `notes/${name}`,
  properties: { definition: { name }, arguments: args },
});
const evaluation = { subject, action, resource: tool('add', { text: 'hello' }), context: { ticket: 7 } };

async function gateway(options: HarnessOptions = {}) {
  const made = await harness(options);
  const { parts, apiKey, ledger } = made;
  const gates = createGates(parts);
  const desk = createCallDesk({ gates, ledger, recordChange: changeRecorder(parts, 'same-user') });
  const options_ = { gate: gates, desk, maxBodyBytes: 100_000 };
  const app = authzenRoutes(options_).route('/', callRoutes(options_));
  const post = async (path: string, body: unknown, headers: Record<string, string> = {}) => {
    const response = await app.request(`http://127.0.0.1:8787${path}`, {
      method: 'POST',
      body: typeof body === 'string' ? body : JSON.stringify(body),
      headers: { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json', ...headers },
    });
    return { status: response.status, headers: response.headers, json: (await response.json()) as Answer };
  };
  const one = (body: unknown, headers?: Record<string, string>) =>
    post('/access/v1/evaluation', body, headers);
  const several = (body: unknown) => post('/access/v1/evaluations', body);
  return { ...made, gates, app, post, one, several };
}

/** Allows the tools whose name says so. */
const byName: HarnessOptions['decide'] = (input) =>
  input.tool.name.startsWith('good') ? allowEverything() : denyEverything();

const verdictOf = ({ context }: Decision): Readonly<Record<string, unknown>> =>
  statementOf(JSON.stringify(context?.[metaKeys.envelope]?.['verdict'])).predicate;

describe('POST /access/v1/evaluation', () => {
  it('carries the signed verdict in its context, and commits to what was asked', async () => {
    const { one, gates } = await gateway();
    const { status, json } = await one(evaluation);
    expect([status, json.decision]).toEqual([200, true]);
    const predicate = verdictOf(json);
    expect(predicate).toMatchObject({ verdict: 'ALLOW', target: 'notes', tool: { name: 'add' } });
    const { params } = json.context?.[metaKeys.envelope]?.['openings'] as { params: string };
    const sha256 = hex(commit(Buffer.from(params, 'base64'), utf8(canonicalJson(evaluation))));
    expect(predicate['params']).toEqual({ commitment: { sha256 } });
    await gates.close();
  });

  it('answers a deny with 200 and the signed DENY', async () => {
    const { one, gates } = await gateway({ decide: denyEverything });
    const { status, json } = await one(evaluation);
    expect([status, json.decision]).toEqual([200, false]);
    expect(verdictOf(json)['verdict']).toBe('DENY');
    expect(json.context?.[metaKeys.denial]?.['code']).toBe('NO_RULE_ALLOWS');
    expect(json.context).not.toHaveProperty([metaKeys.permit]);
    await gates.close();
  });

  it('leaves no ALLOW behind that nobody settles: it is reported by its handle, or becomes unknown', async () => {
    const { one, post, gates, ledger, clock } = await gateway();
    const permitOf = async (): Promise<{ callId: string; handle: string }> =>
      (await one(evaluation)).json.context?.[metaKeys.permit] as { callId: string; handle: string };
    const reported = await permitOf();
    const { status } = await post(`/v1/calls/${reported.callId}/outcome`, {
      handle: reported.handle,
      outcome: 'executed',
    });
    expect(status).toBe(200);
    const forgotten = await permitOf();
    await gates.close();
    for (const { callId } of [reported, forgotten])
      expect((await ledger.entriesOfCall(callId)).map(({ kind }) => kind)).toEqual(['allow', 'outcome']);
    expect(await ledger.openPermits()).toEqual([]);
    expect(clock.offset).toBe(0);
  });

  it('gives policy the arguments, and nothing of what the request says of its subject or its context', async () => {
    const seen: unknown[] = [];
    const { one, gates } = await gateway({
      decide: (input) => {
        seen.push(input);
        return allowEverything();
      },
    });
    const properties = { roles: ['ot.operator'], tenant: 'other' };
    await one({ ...evaluation, subject: { ...subject, properties }, context: { zone: 'ot-control' } });
    expect(seen).toMatchObject([{ args: { text: 'hello' }, agent: { id: subject.id } }]);
    expect(JSON.stringify(seen)).not.toMatch(/ot\.operator|ot-control|other/);
    await gates.close();
  });

  it.each([
    ['another agent', { type: 'agent', id: 'spiffe://gate.test/agent/admin' }],
    ['a human whose token nobody brought', { type: 'user', id: 'alice@example.com' }],
    ['a role', { type: 'role', id: 'default' }],
  ])('refuses to speak about %s: 403, and nothing is decided', async (_, foreign) => {
    const { one, gates, ledger } = await gateway();
    const { status, json } = await one({ ...evaluation, subject: foreign });
    expect([status, json.error?.code]).toEqual([403, 'SUBJECT_FOREIGN']);
    expect(await ledger.checkpoint()).toBeNull();
    await gates.close();
  });

  it('takes an agent’s short name for its own', async () => {
    const { one, gates } = await gateway();
    expect((await one({ ...evaluation, subject: { type: 'agent', id: 'default' } })).json.decision).toBe(
      true,
    );
    await gates.close();
  });

  it('denies a tool that nobody declared', async () => {
    const { one, gates } = await gateway();
    const { json } = await one({ ...evaluation, resource: { type: 'tool', id: 'notes/unseen' } });
    expect([json.decision, json.context?.[metaKeys.denial]?.['code']]).toEqual([false, 'TOOL_UNKNOWN']);
    await gates.close();
  });

  it.each([
    ['no subject', { subject: undefined }],
    ['a subject without an id', { subject: { type: 'agent' } }],
    ['an action without a name', { action: {} }],
    ['an action that is not decided here', { action: { name: 'read' } }],
    ['a resource of another type', { resource: { type: 'record', id: 'notes/add' } }],
    ['a resource without a server', { resource: { type: 'tool', id: 'add' } }],
    ['arguments that are no object', { resource: { ...tool('add'), properties: { arguments: [] } } }],
    ['a context that is no object', { context: 'x' }],
  ])('answers %s with 400', async (_, changes) => {
    const { one, gates, ledger } = await gateway();
    const { status, json } = await one({ ...evaluation, ...changes });
    expect([status, json.error?.code]).toEqual([400, 'FRAME_INVALID']);
    expect(await ledger.checkpoint()).toBeNull();
    await gates.close();
  });

  it('passes over members that the standard may add', async () => {
    const { one, gates } = await gateway();
    expect((await one({ ...evaluation, extension: true })).json.decision).toBe(true);
    await gates.close();
  });

  it('answers 401 without a key, and what two parsers could read differently with 400', async () => {
    const { one, gates } = await gateway();
    expect((await one(evaluation, { authorization: '' })).status).toBe(401);
    const twice = '{"subject":{"type":"agent","id":"a","id":"b"}}';
    const { status, json } = await one(twice);
    expect([status, json.error?.code]).toEqual([400, 'ARGUMENTS_AMBIGUOUS']);
    await gates.close();
  });

  it('gives a request its own id back, also when it is refused', async () => {
    const { one, gates } = await gateway();
    for (const body of [evaluation, {}])
      expect((await one(body, { 'x-request-id': 'bfe9eb29' })).headers.get('x-request-id')).toBe('bfe9eb29');
    await gates.close();
  });
});

describe('POST /access/v1/evaluations', () => {
  const items = ['good-1', 'bad-1', 'good-2', 'bad-2'].map((name) => ({ resource: tool(name) }));
  const decisions = ({ json }: { readonly json: Answer }) =>
    json.evaluations?.map(({ decision }) => decision);

  it('answers each in order, with what stands beside them for those that do not say it themselves', async () => {
    const { several, gates } = await gateway({ decide: byName });
    const answer = await several({ subject, action, evaluations: items });
    expect(decisions(answer)).toEqual([true, false, true, false]);
    expect(answer.json.evaluations?.map((each) => verdictOf(each)['verdict'])).toEqual([
      'ALLOW',
      'DENY',
      'ALLOW',
      'DENY',
    ]);
    await gates.close();
  });

  it.each([
    ['execute_all', [true, false, true, false]],
    ['deny_on_first_deny', [true, false]],
    ['permit_on_first_permit', [true]],
  ])('%s ends where it says, and what comes after is not even decided', async (semantic, expected) => {
    const { several, gates, ledger } = await gateway({ decide: byName });
    const options = { evaluations_semantic: semantic };
    expect(decisions(await several({ subject, action, options, evaluations: items }))).toEqual(expected);
    const kinds = (await ledger.entries(0, 100)).map(({ kind }) => kind);
    expect(kinds.filter((kind) => kind === 'allow' || kind === 'deny')).toHaveLength(expected.length);
    await gates.close();
  });

  it('denies an item that is none, says why, and answers the others', async () => {
    const { several, gates } = await gateway({ decide: byName });
    const foreign = { ...items[0], subject: { type: 'user', id: 'alice' } };
    const answer = await several({ subject, action, evaluations: [7, foreign, items[0]] });
    expect(decisions(answer)).toEqual([false, false, true]);
    expect(answer.json.evaluations?.slice(0, 2).map(({ context }) => context?.['error'])).toMatchObject([
      { status: 400, code: 'FRAME_INVALID' },
      { status: 403, code: 'SUBJECT_FOREIGN' },
    ]);
    await gates.close();
  });

  it('without items is the one evaluation that it looks like', async () => {
    const { several, gates } = await gateway();
    expect((await several(evaluation)).json.decision).toBe(true);
    expect((await several({ ...evaluation, evaluations: [] })).json.decision).toBe(true);
    await gates.close();
  });

  it.each([
    ['a semantic that nobody knows', { options: { evaluations_semantic: 'any' } }],
    ['more than a hundred items', { evaluations: Array.from({ length: 101 }, () => ({})) }],
    ['items that are no list', { evaluations: {} }],
  ])('answers %s with 400', async (_, changes) => {
    const { several, gates, ledger } = await gateway();
    expect((await several({ subject, action, evaluations: items, ...changes })).status).toBe(400);
    expect(await ledger.checkpoint()).toBeNull();
    await gates.close();
  });
});

describe('GET /.well-known/authzen-configuration', () => {
  it('names the endpoints under the host that was asked: over TLS unless it is this machine', async () => {
    const { app, gates } = await gateway();
    const ask = async (base: string): Promise<unknown> =>
      (await app.request(`${base}/.well-known/authzen-configuration`)).json();
    expect(await ask('http://127.0.0.1:8787')).toEqual({
      policy_decision_point: 'http://127.0.0.1:8787',
      access_evaluation_endpoint: 'http://127.0.0.1:8787/access/v1/evaluation',
      access_evaluations_endpoint: 'http://127.0.0.1:8787/access/v1/evaluations',
    });
    expect(await ask('http://gate.example')).toMatchObject({ policy_decision_point: 'https://gate.example' });
    await gates.close();
  });
});
