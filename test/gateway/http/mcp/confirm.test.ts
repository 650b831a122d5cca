import {
  Client as ModernClient,
  StreamableHTTPClientTransport as ModernTransport,
} from '@modelcontextprotocol/client';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { ElicitRequestSchema } from '@modelcontextprotocol/sdk/types.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { metaKeys } from '../../../../src/names.ts';
import type { Decision, PolicyInput } from '../../../../src/policy/policy.ts';
import { startFixture, type FixtureServer } from '../../../conformance/fixture-server.ts';
import { statementOf } from '../../../gate/harness.ts';
import { overHttp, overStdio, startGateway, type TestGateway } from './gateway.ts';

const modernServer = new URL('../../../support/modern-server.ts', import.meta.url).pathname;
const mustConfirm: Extract<Decision, { verdict: 'ALLOW' }> = {
  verdict: 'ALLOW',
  code: 'RULE_ALLOWS',
  rule: 'r',
  message: 'allowed',
  controls: [],
  obligations: [{ type: 'confirm', rule: 'r' }],
};

/** A rule may set an argument to something else than was asked. */
function mustConfirmWhatItChanges({ args }: PolicyInput): Decision {
  if (args['at'] !== 'asked') return mustConfirm;
  const set = { type: 'transform', rule: 'r', set: { '/at': 'decided' } } as const;
  return { ...mustConfirm, obligations: [set, ...mustConfirm.obligations] };
}

let fixture: FixtureServer;
let gateway: TestGateway;
beforeAll(async () => {
  fixture = await startFixture();
  gateway = await startGateway(
    { fixture: overHttp(fixture.url), modern: overStdio(modernServer) },
    { decide: mustConfirmWhatItChanges },
  );
});
afterAll(async () => {
  await gateway[Symbol.asyncDispose]();
  await fixture[Symbol.asyncDispose]();
});

type Said =
  | { readonly action: 'decline' }
  | { readonly action: 'accept'; readonly content: Record<string, string | boolean> };
const yes: Said = { action: 'accept', content: { confirm: true } };

interface Asking {
  call(
    name: string,
    args?: Record<string, unknown>,
  ): Promise<{ readonly _meta?: unknown; readonly content?: unknown }>;
  readonly questions: readonly string[];
  /** What the transport was not content with, such as the status of a POST. */
  readonly faults: readonly Error[];
  close(): Promise<void>;
}

/** A client of either SDK whose person says this to whatever is asked. */
type Connect = (path: string, say: (question: string) => Said) => Promise<Asking>;

const legacy: Connect = async (path, say) => {
  const questions: string[] = [];
  const faults: Error[] = [];
  const client = new Client({ name: 'legacy', version: '1' }, { capabilities: { elicitation: {} } });
  client.onerror = (error) => faults.push(error);
  client.setRequestHandler(ElicitRequestSchema, ({ params }) => {
    questions.push(params.message);
    return say(params.message);
  });
  const requestInit = { headers: { authorization: `Bearer ${gateway.apiKey}` } };
  await client.connect(new StreamableHTTPClientTransport(new URL(gateway.at(path)), { requestInit }));
  return {
    call: (name, args = {}) => client.callTool({ name, arguments: args }),
    questions,
    faults,
    close: () => client.close(),
  };
};

const modern: Connect = async (path, say) => {
  const questions: string[] = [];
  const faults: Error[] = [];
  const client = new ModernClient(
    { name: 'modern', version: '1' },
    { capabilities: { elicitation: { form: {} } }, versionNegotiation: { mode: { pin: '2026-07-28' } } },
  );
  client.onerror = (error) => faults.push(error);
  client.setRequestHandler('elicitation/create', ({ params }) => {
    questions.push(params.message);
    return say(params.message);
  });
  const requestInit = { headers: { authorization: `Bearer ${gateway.apiKey}` } };
  await client.connect(new ModernTransport(new URL(gateway.at(path)), { requestInit }));
  return {
    call: (name, args = {}) => client.callTool({ name, arguments: args }),
    questions,
    faults,
    close: () => client.close(),
  };
};

function verdictIn(result: { readonly _meta?: unknown }) {
  const { [metaKeys.envelope]: envelope } = result._meta as Record<string, { readonly verdict: object }>;
  return statementOf(JSON.stringify(envelope?.verdict)).predicate;
}

const clients: [string, Connect][] = [
  ['the v1 SDK, with a session', legacy],
  ['the v2 SDK, in revision 2026-07-28', modern],
];
const places: [string, string, Record<string, unknown>][] = [
  ['fixture', 'test_simple_text', {}],
  ['modern', 'look', { at: 'rest' }],
];

describe.each(clients)('a client of %s', (_, connect) => {
  it.each(places)(
    'asks its person before a call of %s, and a yes is stated as the client’s word',
    async (path, tool, args) => {
      const client = await connect(path, () => yes);
      const result = await client.call(tool, args);
      expect(verdictIn(result)).toMatchObject({ verdict: 'ALLOW', confirmation: 'client-asserted' });
      expect(client.questions).toEqual([expect.stringContaining(`${path}/${tool}`)]);
      expect(client.faults).toEqual([]);
      await client.close();
    },
  );

  it.each(places)('gets the denial of a call of %s after a no', async (path, tool, args) => {
    const client = await connect(path, () => ({ action: 'decline' }));
    const result = await client.call(tool, args);
    expect(verdictIn(result)).toMatchObject({ verdict: 'DENY' });
    expect(client.questions).toHaveLength(1);
    await client.close();
  });

  it('asks about the arguments that would run, which a rule may have changed', async () => {
    const client = await connect('modern', () => yes);
    const result = await client.call('look', { at: 'asked' });
    expect(result.content).toEqual([{ type: 'text', text: 'It is decided.' }]);
    expect(client.questions).toEqual([expect.stringContaining('- "at": "decided"')]);
    await client.close();
  });

  it('is asked through all servers together as through each', async () => {
    const client = await connect('', () => yes);
    const result = await client.call('modern__look', { at: 'rest' });
    expect(verdictIn(result)).toMatchObject({ verdict: 'ALLOW', confirmation: 'client-asserted' });
    expect(client.questions).toEqual([expect.stringContaining('modern/look')]);
    await client.close();
  });
});

describe('a server that asks the person itself', () => {
  it('gets its own answer and its own state, each round of the call confirmed for itself', async () => {
    const client = await modern('fixture', (question) =>
      question.startsWith('Countersign') ? yes : { action: 'accept', content: { ok: true } },
    );
    const result = await client.call('test_input_required_result_request_state');
    expect(JSON.stringify(result.content)).toContain('state-ok');
    expect(client.questions.map((each) => each.split(' ')[0])).toEqual([
      'Countersign',
      'Please',
      'Countersign',
    ]);
    await client.close();
  });
});
