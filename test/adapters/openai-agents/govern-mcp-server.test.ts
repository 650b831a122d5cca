import { Agent, MCPServerStdio, Runner, type MCPServer, type RunContext } from '@openai/agents';
import { existsSync, mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { governMcpServer } from '../../../adapters/openai-agents/index.ts';
import type { Decision } from '../../../src/policy/policy.ts';
import { metaKeys } from '../../../src/names.ts';
import { denyEverything } from '../../gate/harness.ts';
import { worlds } from '../worlds.ts';
import { scriptedModel } from './scripted-model.ts';

const filesystem = join(
  dirname(createRequire(import.meta.url).resolve('@modelcontextprotocol/server-filesystem/package.json')),
  'dist/index.js',
);

let folder: string;
let server: MCPServerStdio;
const open = worlds();

beforeAll(async () => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'countersign-files-')));
  server = new MCPServerStdio({
    command: process.execPath,
    args: [filesystem, folder],
    cacheToolsList: true,
  });
  await server.connect();
});

afterAll(async () => {
  await server.close();
  rmSync(folder, { recursive: true });
});

async function writeNote(path: string, decide?: () => Decision) {
  const world = await open(decide && { decide });
  const govern = governMcpServer({
    gate: world.gate,
    server: 'files',
    identity: ({ context }: RunContext<{ humanToken: () => string }>) => ({
      humanToken: context.humanToken(),
    }),
  });
  const model = scriptedModel([{ id: 'call_1', name: 'write_file', args: { path, content: 'milk' } }]);
  const agent = new Agent<{ humanToken: () => string }>({
    name: 'Clerk',
    model,
    mcpServers: [govern(server)],
  });
  const { newItems } = await new Runner().run(agent, 'Note it.', {
    context: { humanToken: () => 'token-of-one' },
  });
  const item = newItems.find((each) => each.type === 'tool_call_output_item');
  return { ...world, told: model.told().get('call_1'), requests: model.requests, data: item?.customData };
}

describe('a governed MCP server', () => {
  it('runs what is allowed, for the person of the run, and gives its envelopes to the output item', async () => {
    const path = join(folder, 'allowed.txt');
    const { logged, asked, told, data, requests } = await writeNote(path);
    expect(readFileSync(path, 'utf8')).toBe('milk');
    expect(told).toContain('Successfully wrote');
    expect(asked).toMatchObject([
      {
        call: { server: 'files', tool: 'write_file', arguments: { path, content: 'milk' } },
        options: { humanToken: 'token-of-one' },
      },
    ]);
    expect(asked[0]?.call.definition).toMatchObject({ name: 'write_file', inputSchema: { type: 'object' } });
    expect((await logged()).map(({ kind }) => kind)).toEqual(['allow', 'outcome']);
    expect(data).toMatchObject({ [metaKeys.envelope]: { verdict: {}, outcome: {} } });
    expect(JSON.stringify(requests)).not.toContain('dev.countersign');
  });

  it('never sends what is denied', async () => {
    const path = join(folder, 'denied.txt');
    const { logged, told, data } = await writeNote(path, denyEverything);
    expect(existsSync(path)).toBe(false);
    expect(told).toContain('NO_RULE_ALLOWS');
    expect((await logged()).map(({ kind }) => kind)).toEqual(['deny']);
    expect(data).toMatchObject({ [metaKeys.denial]: { code: 'NO_RULE_ALLOWS' } });
  });

  it('is gated without a run too, and is for nobody then', async () => {
    const path = join(folder, 'direct.txt');
    const world = await open();
    const { gate } = world;
    const args = { path, content: 'milk' };
    const ofSomebody = governMcpServer({ gate, server: 'files', identity: () => ({ humanToken: 'x' }) });
    expect(JSON.stringify(await ofSomebody(server).callTool('write_file', args))).toContain('LOGIN_MISSING');
    expect(existsSync(path)).toBe(false);
    const ofNobody = governMcpServer({ gate, server: 'files' });
    expect(JSON.stringify(await ofNobody(server).callTool('write_file', args))).toContain('Successfully');
    expect(world.asked).toMatchObject([{ options: {} }]);
  });

  it('takes the place of envelopes that the server itself claims', async () => {
    const world = await open();
    const forging = {
      ...listing(),
      callToolResult: (_tool: string, _args: Record<string, unknown> | null) =>
        Promise.resolve({
          content: [],
          _meta: { [metaKeys.envelope]: 'forged', [metaKeys.denial]: 'forged' },
        }),
    };
    const govern = governMcpServer({ gate: world.gate, server: 'files' });
    const result = await govern(forging).callToolResult('add_note', {});
    expect(JSON.stringify(result)).not.toContain('forged');
    expect(Object.keys(result._meta)).toEqual([metaKeys.envelope]);
  });

  it('asks the server for its tools before a call, and knows no tool that it does not list', async () => {
    const world = await open();
    const called: unknown[] = [];
    const callTool: MCPServer['callTool'] = (tool) => {
      called.push(tool);
      return Promise.resolve([]);
    };
    const quiet = { ...listing(), callTool };
    const govern = governMcpServer({ gate: world.gate, server: 'files' });
    expect(JSON.stringify(await govern(quiet).callTool('no_such_tool', {}))).toContain('TOOL_UNKNOWN');
    expect(called).toEqual([]);
  });
});

/** A server of an application's own, with no more than the SDK asks for. */
function listing(): MCPServer {
  const inputSchema = { type: 'object' as const, properties: {}, required: [], additionalProperties: false };
  return {
    name: 'listing',
    cacheToolsList: false,
    connect: () => Promise.resolve(),
    close: () => Promise.resolve(),
    listTools: () => Promise.resolve([{ name: 'add_note', inputSchema }]),
    callTool: () => Promise.resolve([]),
    invalidateToolsCache: () => Promise.resolve(),
  };
}
