import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  Client as ModernClient,
  StreamableHTTPClientTransport as ModernTransport,
} from '@modelcontextprotocol/client';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { CreateMessageRequestSchema } from '@modelcontextprotocol/sdk/types.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { metaKeys } from '../../../../src/names.ts';
import { startFixture, type FixtureServer } from '../../../conformance/fixture-server.ts';
import { statementOf } from '../../../gate/harness.ts';
import { overHttp, overStdio, startGateway, type TestGateway } from './gateway.ts';

const at = (path: string): string => new URL(path, import.meta.url).pathname;
const modernServer = at('../../../support/modern-server.ts');
const filesystem = at('../../../../node_modules/@modelcontextprotocol/server-filesystem/dist/index.js');

let fixture: FixtureServer;
let gateway: TestGateway;
let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'countersign-all-'));
  writeFileSync(join(folder, 'note.txt'), 'A note.');
  fixture = await startFixture();
  gateway = await startGateway({
    fixture: overHttp(fixture.url),
    modern: overStdio(modernServer),
    files: overStdio(filesystem, folder),
  });
});
afterAll(async () => {
  await gateway[Symbol.asyncDispose]();
  await fixture[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

const headers = () => ({ authorization: `Bearer ${gateway.apiKey}` });

async function legacyClient(capabilities = {}): Promise<Client> {
  const client = new Client({ name: 'legacy', version: '1.0.0' }, { capabilities });
  await client.connect(
    new StreamableHTTPClientTransport(new URL(gateway.at('')), { requestInit: { headers: headers() } }),
  );
  return client;
}

async function modernClient(): Promise<ModernClient> {
  const client = new ModernClient(
    { name: 'modern', version: '1.0.0' },
    { versionNegotiation: { mode: { pin: '2026-07-28' } } },
  );
  await client.connect(new ModernTransport(new URL(gateway.at('')), { requestInit: { headers: headers() } }));
  return client;
}

type Envelope = { readonly verdict: object; readonly outcome: object };

function kindsIn(result: { readonly _meta?: Record<string, unknown> | undefined }): readonly string[] {
  const { verdict, outcome } = result._meta?.[metaKeys.envelope] as Envelope;
  return [verdict, outcome].map(
    (bundle) => statementOf(JSON.stringify(bundle)).predicateType.split('/').at(-2) ?? '',
  );
}

describe.each([
  ['the v1 SDK', legacyClient],
  ['the v2 SDK in revision 2026-07-28', modernClient],
])('a client of %s at /mcp', (_name, connect) => {
  it('lists the tools of all servers, each under the name of its server', async () => {
    const client = await connect();
    const { tools } = await client.listTools();
    const names = tools.map(({ name }) => name);
    expect(names).toContain('fixture__test_simple_text');
    expect(names).toContain('modern__look');
    expect(names).toContain('files__read_text_file');
    await client.close();
  });

  it.each([
    ['fixture__test_simple_text', {}],
    ['modern__look', { at: 'rest' }],
  ])('calls %s, and gets both envelopes', async (name, args) => {
    const client = await connect();
    expect(kindsIn(await client.callTool({ name, arguments: args }))).toEqual(['allow', 'outcome']);
    await client.close();
  });

  it('calls a tool of a server that knows only sessions', async () => {
    const client = await connect();
    const result = await client.callTool({
      name: 'files__read_text_file',
      arguments: { path: join(folder, 'note.txt') },
    });
    expect(JSON.stringify(result.content)).toContain('A note.');
    expect(kindsIn(result)).toEqual(['allow', 'outcome']);
    await client.close();
  });

  it('reads resources under their own URIs, and gets prompts', async () => {
    const client = await connect();
    const { resources } = await client.listResources();
    expect(resources.map(({ uri }) => uri)).toContain('test://static-text');
    expect(JSON.stringify(await client.readResource({ uri: 'test://static-text' }))).toContain('static text');
    expect(JSON.stringify(await client.readResource({ uri: 'test://template/7/data' }))).toContain('ID: 7');
    const { prompts } = await client.listPrompts();
    expect(prompts.map(({ name }) => name)).toContain('fixture__test_simple_prompt');
    const prompt = await client.getPrompt({ name: 'fixture__test_simple_prompt' });
    expect(prompt.messages.length).toBeGreaterThan(0);
    await client.close();
  });

  it('is told that there is no tool of a name', async () => {
    const client = await connect();
    for (const name of ['look', 'modern__', 'nobody__look', '__look', 'modern_look']) {
      const { isError, _meta } = await client.callTool({ name, arguments: {} });
      expect(isError).toBe(true);
      expect(_meta?.[metaKeys.denial]).toMatchObject({ code: 'TOOL_UNKNOWN' });
    }
    await client.close();
  });
});

describe('a client of the v1 SDK at /mcp', () => {
  it('answers what a server asks of it in the middle of a call', async () => {
    const client = await legacyClient({ sampling: {} });
    client.setRequestHandler(CreateMessageRequestSchema, () => ({
      model: 'none',
      role: 'assistant' as const,
      content: { type: 'text' as const, text: 'sampled' },
    }));
    const result = await client.callTool({ name: 'fixture__test_sampling', arguments: { prompt: 'say' } });
    expect(JSON.stringify(result.content)).toContain('sampled');
    await client.close();
  });
});
