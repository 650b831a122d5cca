import { join } from 'node:path';
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { utf8 } from '../../src/call/sha256.ts';
import type { Expectation } from '../../src/verify/calls.ts';
import { loadTrust } from '../../src/verify/trust.ts';
import { verifyInputs } from '../../src/verify/verify.ts';
import { bundleExample, makeWorld, readTrust, startWorker } from './support/world.ts';
import type { RunningWorker, World } from './support/world.ts';

let world: World;
let worker: RunningWorker;

/** An MCP server behind a URL, as much of one as is asked for here. */
function answerMcp(text: string): Response {
  const { id, method } = JSON.parse(text) as { id?: number; method: string };
  if (id === undefined) return new Response(null, { status: 202 });
  const results: Record<string, object> = {
    initialize: {
      protocolVersion: '2025-11-25',
      capabilities: { tools: {} },
      serverInfo: { name: 'files', version: '1' },
    },
    'tools/list': { tools: [{ name: 'read', inputSchema: { type: 'object' } }] },
    'tools/call': { content: [{ type: 'text', text: 'what is in the file' }] },
  };
  const result = results[method];
  return Response.json({
    jsonrpc: '2.0',
    id,
    ...(result ? { result } : { error: { code: -32601, message: 'no such method' } }),
  });
}

beforeAll(async () => {
  world = await makeWorld();
  worker = await startWorker({
    script: await bundleExample(join(import.meta.dirname, 'support/test-worker.ts')),
    bindings: { ...world.secrets, SHOP_TOKEN: 'sesame' },
    service: ({ text }) => answerMcp(text),
  });
}, 120_000);
afterAll(async () => {
  await worker[Symbol.asyncDispose]();
  world[Symbol.dispose]();
}, 60_000);

async function post(path: string, body: object) {
  const answer = await worker.ask(path, {
    method: 'POST',
    headers: { authorization: `Bearer ${world.apiKey}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  const text = await answer.text();
  return { status: answer.status, text, json: JSON.parse(text) };
}

async function verified(text: string, expectation: Expectation): Promise<readonly string[]> {
  const inputs = [{ name: 'answer', bytes: utf8(text) }];
  const report = await verifyInputs(inputs, await loadTrust(readTrust(world)), { expect: expectation });
  const failures = [...report.failures, ...report.calls.flatMap((call) => call.failures)];
  expect(failures).toEqual([]);
  return report.calls.flatMap(({ envelopes }) => envelopes.map(({ kind }) => kind));
}

const request = { server: 'notes', tool: 'add', definition: { name: 'add' }, arguments: { text: 'hello' } };

describe('what a gateway on Node does too, in workerd', () => {
  it('decides for callers that carry their calls out themselves, and denies the rest', async () => {
    const { status, text } = await post('/v1/calls', {
      ...request,
      tool: 'remove',
      definition: { name: 'remove' },
    });
    expect(status).toBe(200);
    expect(await verified(text, 'deny')).toEqual(['deny']);
  });

  it('stays awake for their outcome, and settles it', { timeout: 60_000 }, async () => {
    /** Milliseconds. */
    const untilAlarm = async (): Promise<number> => {
      const time = (await (await worker.ask('/test/next-alarm')).json()) as number | null;
      return time === null ? -1 : time - Date.now();
    };
    const { json } = await post('/v1/calls', request);
    expect(json).toMatchObject({ decision: 'ALLOW' });
    await expect.poll(untilAlarm, { timeout: 20_000 }).toBeGreaterThan(10_000);
    const settled = await post(`/v1/calls/${json.callId}/outcome`, {
      handle: json.permit.handle,
      outcome: 'executed',
      result: { added: true },
    });
    expect(settled.status).toBe(200);
    const again = await worker.ask(`/v1/envelopes/${json.callId}`, {
      headers: { authorization: `Bearer ${world.apiKey}` },
    });
    expect(await verified(await again.text(), 'executed')).toEqual(['allow', 'outcome']);
    await expect.poll(untilAlarm, { timeout: 20_000 }).toBe(-1);
  });

  it('answers evaluations of AuthZEN', async () => {
    const evaluated = (tool: string) =>
      post('/access/v1/evaluation', {
        subject: { type: 'agent', id: 'default' },
        action: { name: 'tools/call' },
        resource: { type: 'tool', id: `notes/${tool}`, properties: { definition: { name: tool } } },
      });
    expect((await evaluated('add')).json).toMatchObject({ decision: true });
    expect((await evaluated('remove')).json).toMatchObject({ decision: false });
  });

  it('governs an MCP server behind a URL', async () => {
    const client = new Client({ name: 'test', version: '1' });
    const transport = new StreamableHTTPClientTransport(new URL('/mcp/files', worker.url), {
      requestInit: { headers: { authorization: `Bearer ${world.apiKey}` } },
    });
    await client.connect(transport);
    expect((await client.listTools()).tools.map(({ name }) => name)).toEqual(['read']);
    const result = await client.callTool({ name: 'read', arguments: { path: 'a' } });
    expect(result.content).toEqual([{ type: 'text', text: 'what is in the file' }]);
    expect(await verified(JSON.stringify(result), 'executed')).toEqual(['allow', 'outcome']);
    await client.close();
  });

  it('tells a key of its own calls as they happen', async () => {
    const leaving = new AbortController();
    const events = await worker.ask('/v1/events', {
      headers: { authorization: `Bearer ${world.apiKey}` },
      signal: leaving.signal,
    });
    expect(events.status).toBe(200);
    const { json } = await post('/v1/calls', { ...request, tool: 'remove', definition: { name: 'remove' } });
    const decoder = new TextDecoder();
    let seen = '';
    for await (const chunk of events.body ?? []) {
      seen += decoder.decode(chunk, { stream: true });
      if (seen.includes(json.callId)) break;
    }
    leaving.abort();
    expect(seen).toContain(json.callId);
  });
});
