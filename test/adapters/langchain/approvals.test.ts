import type { RunnableConfig } from '@langchain/core/runnables';
import type { StructuredToolInterface } from '@langchain/core/tools';
import { Command, interrupt, MemorySaver } from '@langchain/langgraph';
import {
  createAgent,
  createMiddleware,
  tool,
  toolRetryMiddleware,
  type AgentMiddleware,
  type HITLResponse,
} from 'langchain';
import { describe, expect, it } from 'vitest';
import { governanceMiddleware, governTool } from '../../../adapters/langchain/index.ts';
import type { GateClient } from '../../../src/client/gate-client.ts';
import { metaKeys } from '../../../src/names.ts';
import type { Decision, PolicyInput } from '../../../src/policy/policy.ts';
import { allowEverything } from '../../gate/harness.ts';
import { toolMessages, scripted } from './agent.ts';
import { outcomes, worlds } from '../worlds.ts';
import { needsApproval } from './needs-approval.ts';

const open = worlds();
const config = { configurable: { thread_id: 'one' } };
const go = { messages: [{ role: 'user', content: 'Go.' }] };
const calls = [
  { id: 'call_1', name: 'pay', args: { text: 'small' } },
  { id: 'call_2', name: 'pay', args: { text: 'large' } },
];
const schema = { type: 'object', properties: { text: { type: 'string' } }, required: ['text'] } as const;

/** A policy that wants a person for what is large, until it has one. */
function policy(): { approved: boolean; readonly decide: (input: PolicyInput) => Decision } {
  const state = {
    approved: false,
    decide: ({ args }: PolicyInput) =>
      args['text'] === 'large' && !state.approved ? needsApproval() : allowEverything(),
  };
  return state;
}

function payments() {
  const paid: string[] = [];
  const pay = tool(
    async ({ text }: { text: string }) => {
      await new Promise((resolve) => setTimeout(resolve, 20));
      paid.push(text);
      return { paid: text };
    },
    { name: 'pay', description: 'Pays.', schema },
  );
  return { paid, pay };
}

interface Given {
  readonly gate: GateClient;
  readonly pay: unknown;
  readonly checkpointer?: MemorySaver;
  readonly version?: 'v1' | 'v2';
  readonly only?: string;
  readonly behind?: readonly AgentMiddleware[];
  readonly model?: ReturnType<typeof scripted>;
}

function agentOf({
  gate,
  pay,
  checkpointer = new MemorySaver(),
  version = 'v2',
  only,
  behind = [],
  model,
}: Given) {
  return createAgent({
    model: model ?? scripted(only === undefined ? calls : calls.filter(({ args }) => args.text === only)),
    tools: [pay as ReturnType<typeof payments>['pay']],
    checkpointer,
    version,
    middleware: [governanceMiddleware({ gate, server: 'office', approvals: 'interrupt' }), ...behind],
  });
}

const answer = (...decisions: HITLResponse['decisions']) => new Command({ resume: { decisions } });

function told(messages: Parameters<typeof toolMessages>[0]): unknown[] {
  return toolMessages(messages).map(({ content }) => content);
}

describe('approvals by interrupt', () => {
  it('pause the graph with what is to be approved, while the calls beside it are done', async () => {
    const world = await open({ decide: policy().decide });
    const { paid, pay } = payments();
    const paused = await agentOf({ gate: world.gate, pay }).invoke(go, config);
    expect(paused).toMatchObject({
      __interrupt__: [
        {
          value: {
            actionRequests: [
              {
                name: 'pay',
                args: { text: 'large' },
                description: expect.stringContaining('APPROVAL_REQUIRED'),
              },
            ],
            reviewConfigs: [{ actionName: 'pay', allowedDecisions: ['approve', 'reject'] }],
            [metaKeys.denial]: { code: 'APPROVAL_REQUIRED' },
            [metaKeys.envelope]: { verdict: expect.any(Object) },
          },
        },
      ],
    });
    expect(paid).toEqual(['small']);
  });

  it('run an approved call once, after a new ALLOW, and nothing that was done before again', async () => {
    const rules = policy();
    const world = await open({ decide: rules.decide });
    const { paid, pay } = payments();
    const agent = agentOf({ gate: world.gate, pay });
    await agent.invoke(go, config);
    rules.approved = true;
    const { messages } = await agent.invoke(answer({ type: 'approve' }), config);
    expect(told(messages)).toEqual(['{"paid":"small"}', '{"paid":"large"}']);
    expect(paid).toEqual(['small', 'large']);
    expect(world.asked.map(({ call }) => call.arguments['text']).toSorted()).toEqual([
      'large',
      'large',
      'small',
    ]);
    expect((await outcomes(world)).toSorted()).toEqual(['allow', 'allow', 'deny', 'executed', 'executed']);
  });

  it('go on in another process, which has the checkpoints alone', async () => {
    const rules = policy();
    const world = await open({ decide: rules.decide });
    const { paid, pay } = payments();
    const checkpointer = new MemorySaver();
    const model = scripted(calls);
    await agentOf({ gate: world.gate, pay, checkpointer, model }).invoke(go, config);
    rules.approved = true;
    await agentOf({ gate: world.gate, pay, checkpointer, model }).invoke(answer({ type: 'approve' }), config);
    expect(paid).toEqual(['small', 'large']);
  });

  it('confer nothing: what the gate does not allow now does not run, whatever a person said', async () => {
    const world = await open({ decide: policy().decide });
    const { paid, pay } = payments();
    const agent = agentOf({ gate: world.gate, pay });
    await agent.invoke(go, config);
    const { messages, ...rest } = await agent.invoke(answer({ type: 'approve' }), config);
    expect(rest).not.toHaveProperty('__interrupt__');
    expect(told(messages)[1]).toContain('APPROVAL_REQUIRED');
    expect(paid).toEqual(['small']);
  });

  it('hold a person’s no, also where the gate would allow by now', async () => {
    const rules = policy();
    const world = await open({ decide: rules.decide });
    const { paid, pay } = payments();
    const agent = agentOf({ gate: world.gate, pay });
    await agent.invoke(go, config);
    rules.approved = true;
    const before = world.asked.length;
    const { messages } = await agent.invoke(answer({ type: 'reject', message: 'Not this year.' }), config);
    const refused = toolMessages(messages)[1];
    expect(refused).toMatchObject({
      content: 'Not this year.',
      status: 'error',
      metadata: { [metaKeys.denial]: { code: 'APPROVAL_REQUIRED' }, [metaKeys.envelope]: expect.any(Object) },
    });
    expect(paid).toEqual(['small']);
    expect(world.asked).toHaveLength(before);
  });

  it.each<[string, unknown]>([
    [
      'an edit, which nobody offered',
      { decisions: [{ type: 'edit', editedAction: { name: 'pay', args: {} } }] },
    ],
    ['two decisions', { decisions: [{ type: 'approve' }, { type: 'approve' }] }],
    ['a yes', 'yes'],
    ['true', true],
  ])('take %s for no approval', async (_what, resume) => {
    const rules = policy();
    const world = await open({ decide: rules.decide });
    const { paid, pay } = payments();
    const agent = agentOf({ gate: world.gate, pay });
    await agent.invoke(go, config);
    rules.approved = true;
    await agent.invoke(new Command({ resume }), config);
    expect(paid).toEqual(['small']);
  });

  it('deny where pausing would begin the calls beside it again', async () => {
    const world = await open({ decide: policy().decide });
    const { paid, pay } = payments();
    const { messages, ...rest } = await agentOf({ gate: world.gate, pay, version: 'v1' }).invoke(go, config);
    expect(rest).not.toHaveProperty('__interrupt__');
    expect(told(messages)[1]).toContain('APPROVAL_REQUIRED');
    expect(paid).toEqual(['small']);
  });

  it('pause a call that is alone in its turn, however the agent runs its tools', async () => {
    const rules = policy();
    const world = await open({ decide: rules.decide });
    const { paid, pay } = payments();
    const agent = agentOf({ gate: world.gate, pay, version: 'v1', only: 'large' });
    expect(await agent.invoke(go, config)).toHaveProperty('__interrupt__');
    rules.approved = true;
    await agent.invoke(answer({ type: 'approve' }), config);
    expect(paid).toEqual(['large']);
  });

  it('show a person what was decided on, and not what the model wrote before', async () => {
    const world = await open({ decide: () => needsApproval() });
    const { pay } = payments();
    const behind = [
      createMiddleware({
        name: 'Rewriting',
        wrapToolCall: (request, handler) =>
          handler({ ...request, toolCall: { ...request.toolCall, args: { text: 'huge' } } }),
      }),
    ];
    const paused = await agentOf({ gate: world.gate, pay, only: 'large', behind }).invoke(go, config);
    expect(paused).toMatchObject({
      __interrupt__: [{ value: { actionRequests: [{ args: { text: 'huge' } }] } }],
    });
  });

  it('pause no tool in which another one is called', async () => {
    const world = await open({ decide: () => needsApproval() });
    const { pay: inner } = payments();
    const governed = governTool({ gate: world.gate, server: 'office', approvals: 'interrupt' })(inner);
    let begun = 0;
    const pay = tool(
      async (_args, runtime) => {
        begun += 1;
        const call = { id: 'inner', name: 'pay', args: { text: 'large' }, type: 'tool_call' as const };
        return (governed as StructuredToolInterface).invoke(call, runtime as RunnableConfig);
      },
      { name: 'pay', description: 'Pays by another.', schema },
    );
    const agent = createAgent({
      model: scripted(calls.slice(1)),
      tools: [pay],
      checkpointer: new MemorySaver(),
    });
    expect(await agent.invoke(go, config)).not.toHaveProperty('__interrupt__');
    expect(begun).toBe(1);
  });

  it('are not taken for an error by a middleware that retries', async () => {
    const world = await open({ decide: policy().decide });
    const { pay } = payments();
    const behind = [toolRetryMiddleware({ maxRetries: 2, initialDelayMs: 0 })];
    const paused = await agentOf({ gate: world.gate, pay, only: 'large', behind }).invoke(go, config);
    expect(paused).toHaveProperty('__interrupt__');
    expect(world.asked).toHaveLength(1);
  });

  it('keep their answers apart from those to a tool that asks something itself', async () => {
    const rules = policy();
    const world = await open({ decide: rules.decide });
    const heard: unknown[] = [];
    const pay = tool(
      () => {
        heard.push(interrupt('From which account?'));
        return 'paid';
      },
      { name: 'pay', description: 'Pays.', schema },
    );
    const agent = agentOf({ gate: world.gate, pay, only: 'large' });
    await agent.invoke(go, config);
    rules.approved = true;
    const second = await agent.invoke(answer({ type: 'approve' }), config);
    expect(second).toMatchObject({ __interrupt__: [{ value: 'From which account?' }] });
    const { messages } = await agent.invoke(new Command({ resume: 'savings' }), config);
    expect(heard).toEqual(['savings']);
    expect(told(messages)).toEqual(['paid']);
  });

  it('leave the answer to a tool that asks in the same words to that tool', async () => {
    const world = await open();
    const heard: unknown[] = [];
    const pay = tool(
      () => {
        heard.push(interrupt({ actionRequests: [], reviewConfigs: [] }));
        return 'paid';
      },
      { name: 'pay', description: 'Pays.', schema },
    );
    const agent = agentOf({ gate: world.gate, pay, only: 'large' });
    await agent.invoke(go, config);
    await agent.invoke(answer({ type: 'reject' }), config);
    expect(heard).toEqual([{ decisions: [{ type: 'reject' }] }]);
  });

  it('answer two that wait each by its own id', async () => {
    const rules = { approved: false };
    const world = await open({ decide: () => (rules.approved ? allowEverything() : needsApproval()) });
    const { paid, pay } = payments();
    const agent = agentOf({ gate: world.gate, pay });
    const { __interrupt__: waiting = [] } = await agent.invoke(go, config);
    expect(waiting).toHaveLength(2);
    rules.approved = true;
    const resume = Object.fromEntries(
      waiting.map(({ id, value }) => {
        const [request] = (value as { actionRequests: { args: { text: string } }[] }).actionRequests;
        const type = request?.args.text === 'large' ? 'reject' : 'approve';
        return [id, { decisions: [{ type }] }];
      }),
    );
    await agent.invoke(new Command({ resume }), config);
    expect(paid).toEqual(['small']);
  });

  it('end a run that has no checkpointer, with nothing run', async () => {
    const world = await open({ decide: policy().decide });
    const { paid, pay } = payments();
    const agent = createAgent({
      model: scripted(calls.slice(1)),
      tools: [pay],
      middleware: [governanceMiddleware({ gate: world.gate, server: 'office', approvals: 'interrupt' })],
    });
    await expect(agent.invoke(go)).rejects.toThrow('checkpointer');
    expect(paid).toEqual([]);
  });
});
