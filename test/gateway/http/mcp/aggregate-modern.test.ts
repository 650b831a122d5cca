import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { metaKeys } from '../../../../src/names.ts';
import { startFixture, type FixtureServer } from '../../../conformance/fixture-server.ts';
import { overHttp, startGateway, type TestGateway } from './gateway.ts';

let fixtures: readonly FixtureServer[];
let gateway: TestGateway;
beforeAll(async () => {
  fixtures = await Promise.all([startFixture(), startFixture()]);
  const [one, two] = fixtures.map(({ url }) => overHttp(url));
  gateway = await startGateway({ one: one!, two: two! });
});
afterAll(async () => {
  await gateway[Symbol.asyncDispose]();
  for (const fixture of fixtures) await fixture[Symbol.asyncDispose]();
});

const tasks = { extensions: { 'io.modelcontextprotocol/tasks': {} }, elicitation: {} };
let count = 0;

interface Answer {
  readonly status: number;
  readonly text: string;
  readonly result: Record<string, unknown>;
  readonly error?: { readonly code: number; readonly data?: { readonly code: string } };
}

async function ask(
  method: string,
  params: Record<string, unknown>,
  changed: Record<string, string> = {},
): Promise<Answer> {
  const name = params['name'] ?? params['uri'] ?? params['taskId'];
  const response = await fetch(gateway.at(''), {
    method: 'POST',
    headers: {
      authorization: `Bearer ${gateway.apiKey}`,
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      'mcp-protocol-version': '2026-07-28',
      'mcp-method': method,
      ...(typeof name === 'string' && { 'mcp-name': name }),
      ...changed,
    },
    body: JSON.stringify({
      jsonrpc: '2.0',
      id: ++count,
      method,
      params: {
        ...params,
        _meta: {
          'io.modelcontextprotocol/protocolVersion': '2026-07-28',
          'io.modelcontextprotocol/clientInfo': { name: 'raw', version: '1' },
          'io.modelcontextprotocol/clientCapabilities': tasks,
        },
      },
    }),
  });
  const text = await response.text();
  const last = text.startsWith('{')
    ? text
    : (text
        .match(/^data: \{.*$/gm)
        ?.at(-1)
        ?.slice(6) ?? '{}');
  return { status: response.status, text, ...(JSON.parse(last) as Omit<Answer, 'status' | 'text'>) };
}

describe('a modern client at /mcp', () => {
  it('discovers what all servers can do, and that envelopes come with results', async () => {
    const { result, status } = await ask('server/discover', {});
    expect(status).toBe(200);
    expect(result).toMatchObject({
      resultType: 'complete',
      cacheScope: 'private',
      supportedVersions: ['2026-07-28'],
      capabilities: {
        tools: { listChanged: true },
        prompts: { listChanged: true },
        resources: { listChanged: true, subscribe: true },
        completions: {},
        extensions: { [metaKeys.envelope]: {}, 'io.modelcontextprotocol/tasks': {} },
      },
    });
  });

  it('may keep a list for as long as every server says, and for itself alone', async () => {
    const { result } = await ask('tools/list', {});
    expect(result).toMatchObject({ resultType: 'complete', cacheScope: 'private', ttlMs: 60_000 });
  });

  it('goes several rounds with one server, each of them decided', async () => {
    const name = 'two__test_input_required_result_elicitation';
    const first = await ask('tools/call', { name, arguments: {} });
    expect(first.result).toMatchObject({ resultType: 'input_required' });
    expect(first.result['_meta']).toHaveProperty([metaKeys.envelope, 'outcome']);
    const { requestState } = first.result;
    const second = await ask('tools/call', {
      name,
      arguments: {},
      inputResponses: { user_name: { action: 'accept', content: { name: 'Ada' } } },
      ...(requestState !== undefined && { requestState }),
    });
    expect(JSON.stringify(second.result['content'])).toContain('Hello, Ada!');
  });

  it('follows a task at the server whose it is', async () => {
    const call = await ask('tools/call', {
      name: 'two__slow_compute',
      arguments: { seconds: 0.1, label: 'x' },
    });
    const { taskId } = call.result;
    expect(call.result).toMatchObject({ resultType: 'task', taskId: expect.any(String) as string });
    await expect
      .poll(async () => (await ask('tasks/get', { taskId })).result['status'], { timeout: 5_000 })
      .toBe('completed');
    const { result } = await ask('tasks/get', { taskId });
    expect(JSON.stringify(result['result'])).toContain('Computed x.');
    expect((await ask('tasks/get', { taskId: 'nobody' })).error?.data?.code).toBe('NOT_FOUND');
  });

  it('gets completions by the name of a prompt, or by the template that one server alone has', async () => {
    const argument = { name: 'arg1', value: 'par' };
    const ref = { type: 'ref/prompt', name: 'one__test_prompt_with_arguments' };
    const { result } = await ask('completion/complete', { ref, argument });
    expect(result).toMatchObject({ completion: { values: expect.any(Array) as unknown[] } });
    const template = { type: 'ref/resource', uri: 'test://template/{id}/data' };
    const refused = await ask('completion/complete', { ref: template, argument: { name: 'id', value: '1' } });
    expect(refused.error?.data?.code).toBe('NOT_FOUND');
  });

  it.each([
    [{ 'mcp-name': 'test_simple_text' }],
    [{ 'mcp-method': 'tools/list' }],
    [{ 'mcp-protocol-version': '2025-11-25' }],
  ])('has headers that say another thing refused: %j', async (changed) => {
    const { status, error } = await ask(
      'tools/call',
      { name: 'one__test_simple_text', arguments: {} },
      changed,
    );
    expect([status, error?.code]).toEqual([400, -32_020]);
  });

  it('may repeat an argument in a header, as its tool says, and no other value', async () => {
    const { result } = await ask('tools/list', {});
    const tool = (result['tools'] as { name: string; inputSchema: unknown }[]).find(
      ({ name, inputSchema }) => name.startsWith('two__') && JSON.stringify(inputSchema).includes('"Region"'),
    );
    const params = { name: tool?.name, arguments: { region: 'north', priority: 1, query: 'x' } };
    const headers = { 'mcp-param-region': 'north', 'mcp-param-priority': '1' };
    expect((await ask('tools/call', params, headers)).result['content']).toBeDefined();
    const { error } = await ask('tools/call', params, { ...headers, 'mcp-param-region': 'south' });
    expect(error?.code).toBe(-32_020);
  });

  it('is told of a method that there is not as the revision has it', async () => {
    const { status, error } = await ask('vendor/run', {});
    expect([status, error?.code]).toEqual([404, -32_601]);
  });

  it('listens to all servers at once, with one acknowledgement, and hears of each', async () => {
    const client = new Client(
      { name: 'modern', version: '1.0.0' },
      { versionNegotiation: { mode: { pin: '2026-07-28' } } },
    );
    let changes = 0;
    client.setNotificationHandler('notifications/tools/list_changed', () => void (changes += 1));
    await client.connect(
      new StreamableHTTPClientTransport(new URL(gateway.at('')), {
        requestInit: { headers: { authorization: `Bearer ${gateway.apiKey}` } },
      }),
    );
    const subscription = await client.listen({ toolsListChanged: true });
    for (const name of ['one__test_trigger_tool_change', 'two__test_trigger_tool_change']) {
      const before = changes;
      await client.callTool({ name, arguments: {} });
      await expect.poll(() => changes).toBe(before + 1);
    }
    const { tools } = await client.listTools();
    const names = tools.map(({ name }) => name);
    expect(names).toEqual(expect.arrayContaining(['one__test_passing_tool', 'two__test_passing_tool']));
    await subscription.close();
    await client.close();
  });
});
