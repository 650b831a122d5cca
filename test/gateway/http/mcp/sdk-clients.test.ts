import {
  Client as ModernClient,
  StreamableHTTPClientTransport as ModernTransport,
} from '@modelcontextprotocol/client';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import {
  CreateMessageRequestSchema,
  LoggingMessageNotificationSchema,
} from '@modelcontextprotocol/sdk/types.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { metaKeys } from '../../../../src/names.ts';
import { startFixture, type FixtureServer } from '../../../conformance/fixture-server.ts';
import { statementOf } from '../../../gate/harness.ts';
import { overHttp, overStdio, startGateway, type TestGateway } from './gateway.ts';

const modernServer = new URL('../../../support/modern-server.ts', import.meta.url).pathname;

let fixture: FixtureServer;
let gateway: TestGateway;
beforeAll(async () => {
  fixture = await startFixture();
  gateway = await startGateway({ fixture: overHttp(fixture.url), modern: overStdio(modernServer) });
});
afterAll(async () => {
  await gateway[Symbol.asyncDispose]();
  await fixture[Symbol.asyncDispose]();
});

const headers = () => ({ authorization: `Bearer ${gateway.apiKey}` });

async function legacyClient(name: string, capabilities = {}): Promise<Client> {
  const client = new Client({ name: 'legacy', version: '1.0.0' }, { capabilities });
  await client.connect(
    new StreamableHTTPClientTransport(new URL(gateway.at(name)), { requestInit: { headers: headers() } }),
  );
  return client;
}

async function modernClient(name: string): Promise<ModernClient> {
  const client = new ModernClient(
    { name: 'modern', version: '1.0.0' },
    { versionNegotiation: { mode: { pin: '2026-07-28' } } },
  );
  await client.connect(
    new ModernTransport(new URL(gateway.at(name)), { requestInit: { headers: headers() } }),
  );
  return client;
}

type Envelope = { readonly verdict: object; readonly outcome: object };

function kindsIn(result: { readonly _meta?: Record<string, unknown> | undefined }): readonly string[] {
  const { verdict, outcome } = result._meta?.[metaKeys.envelope] as Envelope;
  return [verdict, outcome].map(
    (bundle) => statementOf(JSON.stringify(bundle)).predicateType.split('/').at(-2) ?? '',
  );
}

describe('a client of the v1 SDK, with a session', () => {
  it.each([
    ['fixture', 'test_simple_text', {}],
    ['modern', 'look', { at: 'rest' }],
  ])('lists and calls the tools of %s, and gets both envelopes', async (name, tool, args) => {
    const client = await legacyClient(name);
    const { tools } = await client.listTools();
    expect(tools.map((each) => each.name)).toContain(tool);
    expect(kindsIn(await client.callTool({ name: tool, arguments: args }))).toEqual(['allow', 'outcome']);
    await client.close();
  });

  it('answers what the server asks of it in the middle of a call', async () => {
    const client = await legacyClient('fixture', { sampling: {} });
    client.setRequestHandler(CreateMessageRequestSchema, () => ({
      model: 'none',
      role: 'assistant' as const,
      content: { type: 'text' as const, text: 'sampled' },
    }));
    const result = await client.callTool({ name: 'test_sampling', arguments: { prompt: 'say' } });
    expect(JSON.stringify(result.content)).toContain('sampled');
    await client.close();
  });

  it('hears what the server logs while a call runs', async () => {
    const client = await legacyClient('fixture');
    const heard: string[] = [];
    client.setNotificationHandler(LoggingMessageNotificationSchema, ({ params }) => {
      heard.push(params.level);
    });
    await client.callTool({ name: 'test_tool_with_logging', arguments: {} });
    expect(heard.length).toBeGreaterThan(0);
    await client.close();
  });

  it('takes up a stream that the server has closed, and gets its answer with its envelopes', async () => {
    const client = await legacyClient('fixture');
    const result = await client.callTool({ name: 'test_reconnection', arguments: {} });
    expect(kindsIn(result)).toEqual(['allow', 'outcome']);
    await client.close();
  });
});

describe('a client of the v2 SDK, in revision 2026-07-28', () => {
  it.each([
    ['fixture', 'test_simple_text', {}],
    ['modern', 'look', { at: 'rest' }],
  ])('lists and calls the tools of %s, and gets both envelopes', async (name, tool, args) => {
    const client = await modernClient(name);
    const { tools } = await client.listTools();
    expect(tools.map((each) => each.name)).toContain(tool);
    expect(kindsIn(await client.callTool({ name: tool, arguments: args }))).toEqual(['allow', 'outcome']);
    await client.close();
  });

  it('shares no ids with another client of the same key', async () => {
    const clients = await Promise.all(Array.from({ length: 5 }, () => modernClient('modern')));
    const results = await Promise.all(
      clients.map((client, at) => client.callTool({ name: 'look', arguments: { at: `place ${at}` } })),
    );
    expect(results.map(({ content }) => JSON.stringify(content))).toEqual(
      clients.map((_, at) => expect.stringContaining(`place ${at}`) as string),
    );
    await Promise.all(clients.map((client) => client.close()));
  });
});
