import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createMcpHandler, McpServer } from '@modelcontextprotocol/server';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { createCallDesk } from '../../src/gate/call-desk.ts';
import { createGates } from '../../src/gate/create-gate.ts';
import { changeRecorder } from '../../src/gate/record-change.ts';
import { callRoutes } from '../../src/gateway/http/calls.ts';
import type { Decision, PolicyInput } from '../../src/policy/policy.ts';
import { repository } from '../architecture/source.ts';
import { allowEverything, denyEverything, harness } from '../gate/harness.ts';
import { blocks, page } from '../docs/pages.ts';
import type { Did, Order } from './support/agents-worker.ts';
import { bundleWorker } from './support/bundle.ts';
import { startWorker, type RunningWorker } from './support/world.ts';

const milk = { text: 'milk' };
const kinds = new Set(['allow', 'deny', 'outcome']);
const personHeader = 'countersign-human-token';

interface Asked {
  readonly server: string;
  readonly tool: string;
  readonly arguments: object;
  readonly definition?: object;
}

let decide: (input: PolicyInput) => Decision;
let worker: RunningWorker;
let stop: () => Promise<void>;
/** What the gate was asked about, and for whom. */
let asked: (Asked & { readonly person: string | null })[];
/** What the MCP server has done. */
let done: unknown[];
let isReachable: boolean;
/** The kinds of what the log holds of calls. */
let logged: () => Promise<readonly string[]>;

/** The MCP server, which knows nothing of gates. */
const office = createMcpHandler(() => {
  const server = new McpServer({ name: 'office', version: '1.0.0' });
  const inputSchema = z.object({ text: z.string() });
  for (const name of ['add_note', 'office.delete', 'delete']) {
    server.registerTool(name, { description: `Does ${name}.`, inputSchema }, ({ text }) => {
      done.push([name, text]);
      return { content: [{ type: 'text', text: `${name}: ${text}` }] };
    });
  }
  server.registerResource('plan', 'office://plan', {}, (uri) => {
    done.push(uri.href);
    return { contents: [{ uri: uri.href, text: 'the plan' }] };
  });
  server.registerPrompt('greet', {}, () => {
    done.push('greet');
    return { messages: [{ role: 'user', content: { type: 'text', text: 'Good morning.' } }] };
  });
  return server;
});

beforeAll(async () => {
  const { parts, ledger, apiKey } = await harness({ decide: (input) => decide(input) });
  const gates = createGates(parts);
  const desk = createCallDesk({ gates, ledger, recordChange: changeRecorder(parts, 'same-user') });
  const routes = callRoutes({ gate: gates, desk, maxBodyBytes: 100_000 });
  const script = await bundleWorker({
    entry: join(repository, 'test/worker/support/agents-worker.ts'),
    node: true,
    alias: { mimetext: 'mimetext/browser' },
  });
  worker = await startWorker({
    script,
    bindings: { COUNTERSIGN_API_KEY: apiKey },
    more: {
      compatibilityFlags: ['nodejs_compat'],
      durableObjects: { CLERK: { className: 'Clerk', useSQLite: true } },
      serviceBindings: {
        async GATE(request: Request) {
          if (!isReachable) throw new Error('The gate is away.');
          const headers = new Headers([...request.headers]);
          const body = await request.text();
          if (request.url.endsWith('/v1/calls')) {
            asked.push({ ...(JSON.parse(body) as Asked), person: headers.get(personHeader) });
          }
          // No issuer is believed here.
          headers.delete(personHeader);
          return routes.fetch(new Request(request.url, { method: request.method, headers, body }));
        },
      },
      outboundService: async (request: Request) => office.fetch(await copyOf(request)),
    },
  });
  logged = async () =>
    (await ledger.entries(0, 100)).map(({ kind }) => kind).filter((kind) => kinds.has(kind));
  stop = async () => {
    await worker[Symbol.asyncDispose]();
    await gates.close();
  };
}, 60_000);

beforeEach(() => {
  decide = allowEverything;
  asked = [];
  done = [];
  isReachable = true;
});

afterAll(() => stop());

/** The platform's request as one of this process. */
async function copyOf({ url, method, headers, body }: Request): Promise<Request> {
  const init = { method, headers: [...headers] };
  return new Request(url, body === null ? init : { ...init, body: await new Response(body).text() });
}

async function order(what: Order, person?: string): Promise<Did> {
  const headers = person === undefined ? {} : { 'x-person': person };
  const answer = await worker.ask('/', { method: 'POST', headers, body: JSON.stringify(what) });
  return (await answer.json()) as Did;
}

const chat = (): Order => ({ do: 'chat', tool: 'tool_office_add_note', args: milk });
const direct = (name = 'add_note'): Order => ({ do: 'tool', name, args: milk });

describe('governMcp, in an agent in workerd', () => {
  it('asks the gate before a tool that the AI SDK calls, with the definition that the MCP server gave', async () => {
    const { result } = await order(chat());
    expect(JSON.stringify(result)).toContain('add_note: milk');
    expect(done).toEqual([['add_note', 'milk']]);
    expect(asked).toMatchObject([
      {
        server: 'office',
        tool: 'add_note',
        arguments: milk,
        definition: {
          name: 'add_note',
          description: 'Does add_note.',
          inputSchema: { type: 'object', properties: { text: { type: 'string' } } },
        },
      },
    ]);
    expect(await logged()).toEqual(['allow', 'outcome']);
  });

  it('asks before a tool that the agent calls by itself', async () => {
    const { result } = await order(direct());
    expect(result).toMatchObject({ content: [{ text: 'add_note: milk' }] });
    expect(asked.map(({ tool }) => tool)).toEqual(['add_note']);
  });

  it.each([chat(), direct()])(
    'lets the MCP server hear nothing of a call that is denied: $do',
    async (what) => {
      decide = denyEverything;
      const { result } = await order(what);
      expect(JSON.stringify(result)).toContain('NO_RULE_ALLOWS');
      expect(done).toEqual([]);
    },
  );

  it('lets the MCP server hear nothing while the gate is away', async () => {
    isReachable = false;
    const { result } = await order(chat());
    expect(JSON.stringify(result)).toMatch(/GATE_UNREACHABLE|GATE_ANSWER_INVALID/);
    expect(done).toEqual([]);
  });

  it.each([
    ['office.office.delete', 'office.delete'],
    ['office.delete', 'delete'],
  ])('calls the very tool that was decided on, whatever the manager makes of %s', async (name, called) => {
    await order(direct(name));
    expect([asked.map(({ tool }) => tool), done]).toEqual([[called], [[called, 'milk']]]);
  });

  it('asks before resources and prompts, each under a name that no tool may have', async () => {
    const plan = await order({ do: 'resource', uri: 'office://plan' });
    const greeting = await order({ do: 'prompt', name: 'greet' });
    expect([plan.result, greeting.result]).toMatchObject([
      { contents: [{ text: 'the plan' }] },
      { messages: [{ content: { text: 'Good morning.' } }] },
    ]);
    expect(asked).toMatchObject([
      { server: 'office', tool: 'resources.read', arguments: { uri: 'office://plan' } },
      { server: 'office', tool: 'prompts.get', arguments: { name: 'greet' } },
    ]);
  });

  it.each<Order>([
    { do: 'resource', uri: 'office://plan' },
    { do: 'prompt', name: 'greet' },
  ])('rejects a $do that is denied, with the code', async (what) => {
    decide = denyEverything;
    expect((await order(what)).error).toMatchObject({ code: 'NO_RULE_ALLOWS' });
    expect(done).toEqual([]);
  });

  it('stands there again when the agent has been restarted', async () => {
    await order({ do: 'restart' }).catch(() => undefined);
    decide = denyEverything;
    const { result } = await order(chat());
    expect(JSON.stringify(result)).toContain('NO_RULE_ALLOWS');
    expect(done).toEqual([]);
  });

  it('asks for the person of each request, whose token the object stores nowhere', async () => {
    const people = ['token-of-anna', 'token-of-ben'];
    const all = await Promise.all(people.map((person) => order(chat(), person)));
    expect(asked.map(({ person }) => person).toSorted()).toEqual(people);
    for (const { stored } of all) {
      expect(stored).toContain('cf_agents_mcp_servers');
      expect(stored).not.toContain('token-of');
    }
  });

  it('is what docs/cloudflare-agents.md shows', () => {
    const program = readFileSync(new URL('support/agents-example.ts', import.meta.url), 'utf8')
      .replace('../../../src/index.ts', 'countersign')
      .replace('../../../adapters/cloudflare-agents/index.ts', 'countersign/cloudflare-agents');
    expect(blocks(page('docs/cloudflare-agents.md'), 'ts')[0]).toBe(program);
  });
});
