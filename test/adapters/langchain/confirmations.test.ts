import { Command, MemorySaver } from '@langchain/langgraph';
import { createAgent, createMiddleware, tool, type AgentMiddleware, type HITLResponse } from 'langchain';
import { describe, expect, it } from 'vitest';
import { governanceMiddleware } from '../../../adapters/langchain/index.ts';
import type { GateClient } from '../../../src/client/gate-client.ts';
import { metaKeys } from '../../../src/names.ts';
import { mustConfirm } from '../must-confirm.ts';
import { outcomes, worlds } from '../worlds.ts';
import { scripted } from './agent.ts';
import { needsApproval } from './needs-approval.ts';

const open = worlds();
const config = { configurable: { thread_id: 'one' } };
const go = { messages: [{ role: 'user', content: 'Go.' }] };
const calls = [{ id: 'call_1', name: 'pay', args: { text: 'large' } }];
const schema = { type: 'object', properties: { text: { type: 'string' } }, required: ['text'] } as const;

function paying(
  gate: GateClient,
  {
    checkpointer = new MemorySaver(),
    model = scripted(calls),
    behind = [] as readonly AgentMiddleware[],
    paid = [] as string[],
  } = {},
) {
  const pay = tool(({ text }: { text: string }) => ({ paid: paid.push(text) }), {
    name: 'pay',
    description: 'Pays.',
    schema,
  });
  const options = { gate, server: 'office', approvals: 'interrupt', confirmations: 'interrupt' } as const;
  const middleware = [governanceMiddleware(options), ...behind];
  return { paid, agent: createAgent({ model, tools: [pay], checkpointer, middleware }) };
}

const answer = (...decisions: HITLResponse['decisions']) => new Command({ resume: { decisions } });

describe('confirmations by interrupt', () => {
  it('do not count for other arguments than were shown', async () => {
    const world = await open({ decide: mustConfirm });
    let attempts = 0;
    const changing = createMiddleware({
      name: 'Changing',
      wrapToolCall: (request, handler) =>
        handler({
          ...request,
          toolCall: { ...request.toolCall, args: { text: (attempts += 1) > 1 ? 'larger' : 'large' } },
        }),
    });
    const { agent, paid } = paying(world.gate, { behind: [changing] });
    await agent.invoke(go, config);
    await agent.invoke(answer({ type: 'approve' }), config);
    expect(world.asked.map(({ call }) => [call.arguments['text'], call.confirmed])).toEqual([
      ['large', undefined],
      ['larger', undefined],
    ]);
    expect(paid).toEqual([]);
  });

  it('are none where the person was asked to approve', async () => {
    const world = await open({ decide: needsApproval });
    const { agent } = paying(world.gate);
    await agent.invoke(go, config);
    await agent.invoke(answer({ type: 'approve' }), config);
    expect(world.asked.map(({ call }) => call.confirmed)).toEqual([undefined, undefined]);
  });

  it.each<[string, unknown]>([
    ['two decisions', { decisions: [{ type: 'approve' }, { type: 'approve' }] }],
    ['a yes', 'yes'],
    ['true', true],
  ])('are not made by %s', async (_, resume) => {
    const world = await open({ decide: mustConfirm });
    const { agent, paid } = paying(world.gate);
    await agent.invoke(go, config);
    await agent.invoke(new Command({ resume }), config);
    expect([paid, world.asked.length]).toEqual([[], 1]);
  });

  it('go on in another process, which has the checkpoints alone, and are stated', async () => {
    const world = await open({ decide: mustConfirm });
    const checkpointer = new MemorySaver();
    const model = scripted(calls);
    const paid: string[] = [];
    const paused = await paying(world.gate, { checkpointer, model, paid }).agent.invoke(go, config);
    expect(paused).toMatchObject({
      __interrupt__: [{ value: { [metaKeys.denial]: { code: 'CONFIRMATION_REQUIRED' } } }],
    });
    await paying(world.gate, { checkpointer, model, paid }).agent.invoke(answer({ type: 'approve' }), config);
    expect(paid).toEqual(['large']);
    expect(await outcomes(world)).toEqual(['deny', 'allow', 'executed']);
    expect((await world.logged())[1]?.predicate['confirmation']).toBe('client-asserted');
  });
});
