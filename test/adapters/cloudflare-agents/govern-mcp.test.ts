import { z } from 'zod';
import { describe, expect, it } from 'vitest';
import { governMcp, type McpRequest } from '../../../adapters/cloudflare-agents/index.ts';
import type { GateClient } from '../../../src/client/gate-client.ts';
import type { World } from '../world.ts';
import { worlds } from '../worlds.ts';
import { managerOf, type Connection } from './manager.ts';

const tool = { name: 'add_note', description: 'Adds a note.', inputSchema: { type: 'object' } };
const milk = { serverId: 'office', name: 'add_note', arguments: { text: 'milk' } };
const answer = { content: [] };

const world = worlds();

const connected = (client: Connection['client']) =>
  managerOf({ connectionState: 'ready', tools: [tool], client });

/** Lets somebody do something after the verdict and before the call. */
function meanwhile({ gate }: World, act: () => void): GateClient {
  return {
    ...gate,
    async decide(...asked) {
      const decided = await gate.decide(...asked);
      act();
      return decided;
    },
  };
}

describe('governMcp', () => {
  it('governs a manager once', async () => {
    const { gate } = await world();
    const govern = governMcp({ gate, server: 'office' });
    const mcp = connected({});
    expect(govern(mcp)).toBe(mcp);
    expect(() => govern(mcp)).toThrow(TypeError);
    expect(() => Object.assign(mcp, { callTool: () => answer })).toThrow(TypeError);
  });

  it('gates tools that were handed out before it', async () => {
    const { gate, asked } = await world();
    const mcp = connected({ callTool: () => Promise.resolve(answer) });
    const before = mcp.getAITools();
    governMcp({ gate, server: 'office' })(mcp);
    await before['tool_office_add_note']?.execute({ text: 'milk' });
    expect(asked).toHaveLength(1);
  });

  it('asks for whom a request is made with what the request is, and calls each server as it is told to', async () => {
    const { gate, asked } = await world();
    const from: McpRequest[] = [];
    const mcp = connected({
      callTool: () => Promise.resolve(answer),
      readResource: () => Promise.resolve({ contents: [] }),
    });
    const server = (id: string) => `mcp-${id}`;
    governMcp({ gate, server, settleWithin: 5_000, identity: (request) => void from.push(request) })(mcp);
    await mcp.callTool(milk);
    await mcp.readResource({ serverId: 'office', uri: 'office://plan' }, {});
    expect(from).toEqual([
      { serverId: 'office', method: 'tools/call', name: 'add_note' },
      { serverId: 'office', method: 'resources/read', name: 'office://plan' },
    ]);
    expect(asked.map(({ call }) => [call.server, call.settleWithin])).toEqual([
      ['mcp-office', 5_000],
      ['mcp-office', 5_000],
    ]);
  });

  it('hands on options and a schema of the result, with the signal of the permit', async () => {
    const { gate } = await world();
    const seen: unknown[] = [];
    const note = (...given: unknown[]) => Promise.resolve((seen.push(given.slice(1)), answer));
    const mcp = connected({ callTool: note, request: note });
    governMcp({ gate, server: 'office' })(mcp);
    const schema = z.object({ content: z.array(z.unknown()) });
    // As it was called before there were options without a schema.
    const callTool = Reflect.get(mcp, 'callTool') as (...given: unknown[]) => Promise<unknown>;
    await callTool(milk, { timeout: 1_000 });
    await callTool(milk, schema, { timeout: 1_000 });
    const options = { timeout: 1_000, signal: expect.any(AbortSignal) };
    expect(seen).toEqual([[options], [schema, options]]);
  });

  it('ends a call with its caller, and records that its end is unknown', async () => {
    const { gate, logged } = await world();
    const caller = new AbortController();
    const mcp = connected({
      callTool: (_params, options) =>
        new Promise((_resolve, reject) => {
          options?.signal?.addEventListener('abort', () => reject(new Error('stopped')));
          caller.abort();
        }),
    });
    governMcp({ gate, server: 'office' })(mcp);
    await mcp.callTool(milk, { signal: caller.signal }).catch(() => undefined);
    expect((await logged())[1]?.predicate['outcome']).toBe('unknown');
  });

  it('asks the very server that it was asked for, whatever becomes of the parameters meanwhile', async () => {
    const opened = await world();
    const called: unknown[] = [];
    const params = { ...milk };
    const mcp = connected({ callTool: ({ name }) => Promise.resolve((called.push(name), answer)) });
    const gate = meanwhile(opened, () => Object.assign(params, { serverId: 'bank', name: 'pay' }));
    governMcp({ gate, server: 'office' })(mcp);
    await mcp.callTool(params);
    expect(called).toEqual(['add_note']);
  });

  it('calls nothing whose arguments change while the gate decides', async () => {
    const opened = await world();
    const called: unknown[] = [];
    const params = { ...milk, arguments: { text: 'milk' } };
    const mcp = connected({ callTool: ({ name }) => Promise.resolve((called.push(name), answer)) });
    const gate = meanwhile(opened, () => (params.arguments.text = 'poison'));
    governMcp({ gate, server: 'office' })(mcp);
    expect(JSON.stringify(await mcp.callTool(params))).toContain('ARGUMENTS_CHANGED');
    expect(called).toEqual([]);
  });

  it.each(['resources.read', 'prompts.get'])(
    'refuses a tool that is called as what policy calls a method: %s',
    async (name) => {
      const { gate, asked } = await world();
      const mcp = connected({ callTool: () => Promise.resolve(answer) });
      governMcp({ gate, server: 'office' })(mcp);
      await expect(mcp.callTool({ ...milk, name })).rejects.toMatchObject({ code: 'TOOL_UNKNOWN' });
      expect(asked).toEqual([]);
    },
  );

  it('denies a tool that its server does not list', async () => {
    const { gate } = await world();
    const mcp = connected({ callTool: () => Promise.resolve(answer) });
    governMcp({ gate, server: 'office' })(mcp);
    const told = await mcp.callTool({ ...milk, name: 'no_such_tool' });
    expect(told).toMatchObject({
      isError: true,
      content: [{ text: expect.stringContaining('TOOL_UNKNOWN') }],
    });
  });
});
