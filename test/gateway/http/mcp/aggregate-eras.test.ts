import type { AddressInfo } from 'node:net';
import { createAdaptorServer } from '@hono/node-server';
import { createMcpHandler } from '@modelcontextprotocol/server';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { metaKeys } from '../../../../src/names.ts';
import { fixtureServer } from '../../../conformance/fixture/server.ts';
import { createTasks } from '../../../conformance/fixture/tasks.ts';
import { statementOf } from '../../../gate/harness.ts';
import { overHttp, startGateway, type TestGateway } from './gateway.ts';
import { tools, withServers } from './scripted-servers.ts';

/** A server that knows nothing but 2026-07-28. */
const handler = createMcpHandler(
  () => fixtureServer({ tool: false, prompt: false, announce: () => undefined }, createTasks()),
  { legacy: 'reject' },
);
const http = createAdaptorServer({ fetch: (request: Request) => handler.fetch(request) });
let gateway: TestGateway;
let client: Client;
beforeAll(async () => {
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  const { port } = http.address() as AddressInfo;
  gateway = await startGateway({ latest: overHttp(`http://127.0.0.1:${port}/mcp`) });
  client = new Client({ name: 'legacy', version: '1.0.0' }, { capabilities: { elicitation: {} } });
  await client.connect(
    new StreamableHTTPClientTransport(new URL(gateway.at('')), {
      requestInit: { headers: { authorization: `Bearer ${gateway.apiKey}` } },
    }),
  );
});
afterAll(async () => {
  await client.close();
  await gateway[Symbol.asyncDispose]();
  await handler.close();
  const closed = new Promise((resolve) => http.close(resolve));
  if ('closeAllConnections' in http) http.closeAllConnections();
  await closed;
});

describe('a client of the v1 SDK at /mcp, with a server that knows only 2026-07-28', () => {
  it('lists and calls its tools, and gets both envelopes', async () => {
    const { tools } = await client.listTools();
    expect(tools.map(({ name }) => name)).toContain('latest__test_simple_text');
    const { _meta, isError } = await client.callTool({ name: 'latest__test_simple_text', arguments: {} });
    expect(isError).toBeFalsy();
    const { verdict, outcome } = _meta?.[metaKeys.envelope] as Record<string, unknown>;
    const kinds = [verdict, outcome].map((each) => statementOf(JSON.stringify(each)).predicateType);
    expect(kinds).toEqual([expect.stringContaining('allow'), expect.stringContaining('outcome')]);
  });

  it('reads its resources, gets its prompts and their completions', async () => {
    const read = await client.readResource({ uri: 'test://static-text' });
    expect(JSON.stringify(read)).toContain('static text');
    const prompt = await client.getPrompt({ name: 'latest__test_simple_prompt' });
    expect(prompt.messages.length).toBeGreaterThan(0);
    const { completion } = await client.complete({
      ref: { type: 'ref/resource', uri: 'test://template/{id}/data' },
      argument: { name: 'id', value: '1' },
    });
    expect(completion.values).toContain('12');
  });

  it('is told, with the proof, where the server wants input that it cannot be asked for', async () => {
    const asked = client.callTool({ name: 'latest__test_input_required_result_elicitation', arguments: {} });
    const error = await asked.then(
      () => undefined,
      (thrown: unknown) => thrown as { readonly data?: Record<string, unknown> },
    );
    expect(error?.data).toHaveProperty([metaKeys.envelope]);
    expect(error?.data).toMatchObject({ requiredCapabilities: { elicitation: {} } });
  });

  it('is refused what the revision of that server does in another way', async () => {
    await expect(client.subscribeResource({ uri: 'test://static-text' })).rejects.toMatchObject({
      data: { code: 'METHOD_NOT_RELAYED' },
    });
  });

  it('is told so also by one that asks all the same', async () => {
    const asking = [
      'initialize: undefined',
      `'server/discover': () => '{"resultType":"complete","supportedVersions":["2026-07-28"],"capabilities":{"tools":{}}}'`,
      tools('t'),
      `'tools/call': () => '{"resultType":"input_required","inputRequests":{"x":{}}}'`,
    ];
    await withServers({ asking }, async (raw) => {
      expect(await raw.names()).toEqual(['asking__t']);
      const { message } = await raw.ask('tools/call', { name: 'asking__t', arguments: {} });
      expect(message.error?.data).toMatchObject({ code: 'UPSTREAM_INVALID' });
      expect(message.error?.data).toHaveProperty([metaKeys.envelope, 'outcome']);
    });
  });
});
