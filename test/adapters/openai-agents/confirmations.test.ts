import { Agent, Runner, RunState, tool } from '@openai/agents';
import { describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { governTool } from '../../../adapters/openai-agents/index.ts';
import type { GateClient } from '../../../src/client/gate-client.ts';
import { mustConfirm } from '../must-confirm.ts';
import { outcomes, worlds } from '../worlds.ts';
import { scriptedModel } from './scripted-model.ts';

const world = worlds();
const calls = [{ id: 'call_1', name: 'add_note', args: { text: 'milk' } }];

function clerk(gate: GateClient, added: string[] = [], needsApproval = false) {
  const note = tool({
    name: 'add_note',
    description: 'Adds a note.',
    parameters: z.object({ text: z.string() }),
    needsApproval,
    execute: ({ text }) => `added ${added.push(text)}`,
  });
  const options = { gate, server: 'office', ...(!needsApproval && { confirmations: 'interrupt' as const }) };
  const model = scriptedModel(calls);
  return { added, agent: new Agent({ name: 'Clerk', model, tools: [governTool(options)(note)] }) };
}

describe('confirmations by interruption', () => {
  it('are not made by approving a tool for good: nobody was shown the call', async () => {
    const here = await world({ decide: mustConfirm });
    const { agent, added } = clerk(here.gate, [], true);
    const { state, interruptions } = await new Runner().run(agent, 'Note it.');
    for (const each of interruptions) state.approve(each, { alwaysApprove: true });
    await new Runner().run(agent, state);
    expect(added).toEqual([]);
    expect(here.asked.map(({ call }) => call.confirmed)).toEqual([undefined]);
  });

  it('go on from a stored run', async () => {
    const here = await world({ decide: mustConfirm });
    const { agent, added } = clerk(here.gate);
    const { state } = await new Runner().run(agent, 'Note it.');
    const stored = await RunState.fromString(agent, state.toString());
    for (const each of stored.getInterruptions()) stored.approve(each);
    await new Runner().run(agent, stored);
    expect(added).toEqual(['milk']);
    expect(await outcomes(here)).toEqual(['deny', 'allow', 'executed']);
  });

  it('cost no second question where nothing has to be confirmed', async () => {
    const here = await world();
    const { agent, added } = clerk(here.gate);
    await new Runner().run(agent, 'Note it.');
    expect([added, here.asked.length]).toEqual([['milk'], 1]);
    expect(await outcomes(here)).toEqual(['allow', 'executed']);
  });

  it('leave no permit behind that nobody uses', async () => {
    const here = await world();
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    try {
      const note = tool({
        name: 'add_note',
        description: '',
        parameters: z.object({}),
        execute: () => 'added',
      });
      const options = { gate: here.gate, server: 'office', confirmations: 'interrupt' } as const;
      const { needsApproval } = governTool(options)(note);
      const run = { isToolApproved: () => undefined };
      expect(await needsApproval(run as never, {}, 'call_1')).toBe(false);
      await vi.advanceTimersByTimeAsync(10_000);
    } finally {
      vi.useRealTimers();
    }
    await expect.poll(() => outcomes(here)).toEqual(['allow', 'aborted']);
  });
});
