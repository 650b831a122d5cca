import { describe, expect, it } from 'vitest';
import { fromUtf8, utf8 } from '../../../src/call/sha256.ts';
import { createGate } from '../../../src/gate/create-gate.ts';
import { createDeclaredDirectory } from '../../../src/gate/declared-tools.ts';
import { actionRoutes } from '../../../src/gateway/http/actions.ts';
import { compileParameters } from '../../../src/gateway/http/action-schema.ts';
import { metaKeys } from '../../../src/names.ts';
import type { Execution } from '../../../src/targets/target.ts';
import {
  allowEverything,
  countingTarget,
  denyEverything,
  harness,
  statementOf,
  type HarnessOptions,
} from '../../gate/harness.ts';

const server = { name: 'actions', digest: 'c'.repeat(64) };
const raw = '{"set":12.50}';
const done: Execution = {
  kind: 'result',
  result: utf8(raw),
  value: { set: 12.5 },
  frame: utf8(raw),
  pending: false,
};

async function gateway(options: HarnessOptions & { readonly execution?: Execution } = {}) {
  const { parts, apiKey, keys, ledger } = await harness(options);
  const definition = {
    sha256: 'e'.repeat(64),
    accepted: true,
    declaredProperties: ['value'],
    misfit: compileParameters({ type: 'object', properties: { value: { type: 'number', maximum: 100 } } }),
  };
  const directory = createDeclaredDirectory(server, new Map([['set-pressure', definition]]));
  const target = countingTarget(options.execution ?? done);
  const app = actionRoutes({
    gate: createGate({ ...parts, directory }),
    server,
    actions: new Map([['set-pressure', { definition, target }]]),
    maxBodyBytes: 1_000,
  });
  const post = async (body: string, { key = apiKey, name = 'set-pressure', headers = {} } = {}) => {
    const response = await app.request(`/actions/${name}`, {
      method: 'POST',
      body,
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json', ...headers },
    });
    const text = await response.text();
    return { status: response.status, headers: response.headers, text, json: JSON.parse(text) as Answer };
  };
  return { post, target, keys, ledger };
}

interface Answer {
  readonly callId?: string;
  readonly result?: unknown;
  readonly error?: { readonly code?: string; readonly status?: number };
  readonly _meta?: Record<
    string,
    { readonly code?: string; readonly verdict?: object; readonly outcome?: object }
  >;
}

const kindOf = (bundle: object | undefined): string | undefined =>
  statementOf(JSON.stringify(bundle)).predicateType.split('/').at(-2);

describe('POST /actions/NAME', () => {
  it('carries the action out, and answers with its own bytes and both envelopes', async () => {
    const { post, target } = await gateway();
    const { status, text, json } = await post('{"value":12.5}');
    expect(status).toBe(200);
    expect(target.runs).toBe(1);
    expect(text).toContain(`"result":${raw},`);
    const { verdict, outcome } = json._meta?.[metaKeys.envelope] ?? {};
    expect([kindOf(verdict), kindOf(outcome)]).toEqual(['allow', 'outcome']);
  });

  it('answers a denial with its signed DENY, and touches nothing', async () => {
    const { post, target } = await gateway({ decide: denyEverything });
    const { status, json } = await post('{"value":12.5}');
    expect(status).toBe(403);
    expect(target.runs).toBe(0);
    expect(json._meta?.[metaKeys.denial]?.code).toBe('NO_RULE_ALLOWS');
    expect(kindOf(json._meta?.[metaKeys.envelope]?.verdict)).toBe('deny');
  });

  it('signs a DENY for parameters that do not fit, and for an action that nobody declared', async () => {
    const { post, target } = await gateway({ decide: allowEverything });
    const misfit = await post('{"value":101}');
    expect([misfit.status, misfit.json._meta?.[metaKeys.denial]?.code]).toEqual([400, 'ARGUMENTS_INVALID']);
    const unknown = await post('{}', { name: 'launch' });
    expect([unknown.status, unknown.json._meta?.[metaKeys.denial]?.code]).toEqual([403, 'TOOL_UNKNOWN']);
    for (const { json } of [misfit, unknown])
      expect(kindOf(json._meta?.[metaKeys.envelope]?.verdict)).toBe('deny');
    expect(target.runs).toBe(0);
  });

  it('tells nobody without a key anything, not even whether there is such an action', async () => {
    const { post, target, keys } = await gateway();
    const answers = [
      await post('{"value":1}', { headers: { authorization: '' } }),
      await post('{"value":1}', { key: 'cs_live_guess', name: 'launch' }),
      await post('no json at all', { headers: { authorization: 'Basic eDp5', 'content-type': 'text/html' } }),
    ];
    for (const [, record] of keys) keys.set(record.digest, { ...record, status: 'revoked' });
    answers.push(await post('{"value":1}'));
    for (const { status, json, headers } of answers) {
      expect(status).toBe(401);
      expect(headers.get('www-authenticate')).toMatch(/^Bearer /);
      expect(Object.keys(json)).toEqual(['error']);
      expect(json.error?.code).toMatch(/^API_KEY_/);
    }
    expect(target.runs).toBe(0);
  });

  it.each([
    ['what is no JSON', '{"value":', 'FRAME_INVALID', 400],
    ['what is no object', '[1]', 'FRAME_INVALID', 400],
    ['a key that stands twice', '{"value":1,"value":100}', 'ARGUMENTS_AMBIGUOUS', 400],
    ['keys that differ in case', '{"value":1,"Value":100}', 'ARGUMENTS_AMBIGUOUS', 400],
    ['a number that a double cannot hold', '{"value":12345678901234567890}', 'ARGUMENTS_AMBIGUOUS', 400],
    ['too much', `{"value":1,"x":"${'x'.repeat(1_000)}"}`, 'TOO_LARGE', 413],
  ])('refuses %s before anything is decided', async (_, body, code, expected) => {
    const { post, target, ledger } = await gateway();
    const { status, json } = await post(body);
    expect([status, json.error?.code]).toEqual([expected, code]);
    expect(target.runs).toBe(0);
    expect(await ledger.checkpoint()).toBeNull();
  });

  it('refuses another media type: a page’s form must not be a call', async () => {
    const { post } = await gateway();
    const { status, json } = await post('{"value":1}', { headers: { 'content-type': 'text/plain' } });
    expect([status, json.error?.code]).toEqual([400, 'FRAME_INVALID']);
  });

  it('tells what the service said when it said no, and that nobody knows when it said nothing', async () => {
    const error: Execution = {
      kind: 'error',
      error: utf8('{"status":409,"body":null}'),
      value: { status: 409, body: null },
      frame: new Uint8Array(),
    };
    const refused = await (await gateway({ execution: error })).post('{"value":1}');
    expect([refused.status, refused.json.error?.status]).toEqual([502, 409]);
    const lost: Execution = { kind: 'none', outcome: 'unknown', code: 'UPSTREAM_GONE', message: 'Gone.' };
    const unknown = await (await gateway({ execution: lost })).post('{"value":1}');
    expect(unknown.status).toBe(502);
    expect(unknown.json._meta?.[metaKeys.denial]).toMatchObject({ code: 'UPSTREAM_GONE', retryable: false });
    expect(kindOf(unknown.json._meta?.[metaKeys.envelope]?.outcome)).toBe('outcome');
    expect(fromUtf8(utf8(unknown.text))).not.toContain('"result"');
  });
});
