import { Mastra } from '@mastra/core/mastra';
import { RequestContext } from '@mastra/core/request-context';
import { createTool, Tool } from '@mastra/core/tools';
import { createStep, createWorkflow } from '@mastra/core/workflows';
import { describe, expect, expectTypeOf, it } from 'vitest';
import { z } from 'zod';
import { governTool, type MastraContext } from '../../../adapters/mastra/index.ts';
import { metaKeys } from '../../../src/names.ts';
import { denyEverything, statementOf } from '../../gate/harness.ts';
import type { WorldOptions } from '../world.ts';
import { outcomes, worlds } from '../worlds.ts';
import { office } from './agent.ts';
import { scriptedModel, type ScriptedModel } from './scripted-model.ts';

const world = worlds();

const inputSchema = z.object({ text: z.string() });
const outputSchema = z.object({ note: z.string() });

function noteTool(execute: (input: { text: string }) => { note: string } = ({ text }) => ({ note: text })) {
  return createTool({
    id: 'add_note',
    description: 'Adds a note.',
    inputSchema,
    outputSchema,
    execute: (input) => Promise.resolve(execute(input)),
  });
}

function calling(provider?: string): ScriptedModel {
  return scriptedModel([{ id: 'call_1', name: 'add_note', args: { text: 'milk' } }], provider);
}

describe('a governed tool of Mastra', () => {
  it('is of the same type and class, and keeps everything else that it was', async () => {
    const { gate } = await world();
    const plain = noteTool();
    const governed = governTool({ gate, server: 'office' })(plain);
    expectTypeOf(governed).toEqualTypeOf(plain);
    expect(governed).toBeInstanceOf(Tool);
    expect({ ...governed, execute: undefined }).toEqual({ ...plain, execute: undefined });
    expect(plain.execute).not.toBe(governed.execute);
  });

  it('is gated however it is called, without a context too', async () => {
    const { gate } = await world({ decide: denyEverything });
    const ran: unknown[] = [];
    const plain = noteTool((input) => ({ note: String(ran.push(input)) }));
    const { execute } = governTool({ gate, server: 'office' })(plain);
    const called = execute?.({ text: 'milk' }, undefined as never);
    await expect(called).rejects.toMatchObject({ code: 'NO_RULE_ALLOWS' });
    expect(ran).toEqual([]);
  });

  it('is gated whatever hooks, approval or tool choice a single call brings', async () => {
    const { gate, logged } = await world({ decide: denyEverything });
    const ran: unknown[] = [];
    const plain = noteTool((input) => ({ note: String(ran.push(input)) }));
    const model = calling();
    const { agent } = office({ add_note: governTool({ gate, server: 'office' })(plain) }, model);
    await agent.generate('Note it.', {
      hooks: { beforeToolCall: () => undefined, afterToolCall: () => undefined },
      requireToolApproval: false,
      toolChoice: 'auto',
    });
    expect(ran).toEqual([]);
    expect((await logged()).map(({ kind }) => kind)).toEqual(['deny']);
    expect(model.told().get('call_1')).toContain('NO_RULE_ALLOWS');
  });

  it('is decided on with what its schema has made of the input, which is what runs', async () => {
    const { gate, asked } = await world();
    const ran: unknown[] = [];
    const plain = createTool({
      id: 'add_note',
      description: 'Adds a note.',
      inputSchema: z.object({
        text: z.string().transform((text) => text.length),
        tag: z.string().default('none'),
      }),
      execute: (input) => Promise.resolve(ran.push(input)),
    });
    // For the models of some providers Mastra validates by itself, and keeps the tool from doing it again.
    const { agent } = office({ add_note: governTool({ gate, server: 'office' })(plain) }, calling('openai'));
    await agent.generate('Note it.');
    expect(ran).toEqual([{ text: 4, tag: 'none' }]);
    expect(asked.map(({ call }) => call.arguments)).toEqual([{ text: 4, tag: 'none' }]);
  });

  it('is known to policy by its id, whatever an agent calls it', async () => {
    const { gate, asked } = await world();
    const model = scriptedModel([{ id: 'call_1', name: 'noter', args: { text: 'milk' } }]);
    const { agent } = office({ noter: governTool({ gate, server: 'office' })(noteTool()) }, model);
    await agent.generate('Note it.');
    expect(asked.map(({ call }) => call.tool)).toEqual(['add_note']);
  });

  it('takes a denial for no result: neither output schema nor toModelOutput sees it', async () => {
    const { gate } = await world({ decide: denyEverything });
    const shown: unknown[] = [];
    const plain = createTool({
      id: 'add_note',
      description: 'Adds a note.',
      inputSchema,
      outputSchema,
      toModelOutput: (output) => shown.push(output),
      execute: ({ text }) => Promise.resolve({ note: text }),
    });
    const model = calling();
    const { agent } = office({ add_note: governTool({ gate, server: 'office' })(plain) }, model);
    const { steps } = await agent.generate('Note it.');
    expect(shown).toEqual([]);
    expect(steps[0]?.toolResults).toEqual([]);
    expect(model.told().get('call_1')).toContain('NO_RULE_ALLOWS');
  });

  it('is told by its signal when its permit ends, and its end is recorded as unknown then', async () => {
    const opened = await world();
    const slow = createTool({
      id: 'add_note',
      description: 'Adds a note.',
      inputSchema,
      execute: (_input, { abortSignal }) =>
        new Promise((_resolve, reject) => {
          abortSignal?.addEventListener('abort', () => reject(new Error('stopped')));
        }),
    });
    const govern = governTool({ gate: opened.gate, server: 'office', settleWithin: 300 });
    const { agent } = office({ add_note: govern(slow) }, calling());
    await agent.generate('Note it.');
    await expect.poll(() => outcomes(opened)).toEqual(['allow', 'unknown']);
  });

  it('writes its envelopes to the stream, and not to the model or to memory', async () => {
    const { gate } = await world();
    const model = calling();
    const { agent } = office({ add_note: governTool({ gate, server: 'office' })(noteTool()) }, model);
    const output = await agent.stream('Note it.');
    const written: unknown[] = [];
    for await (const chunk of output.fullStream) if (chunk.type === 'data-countersign') written.push(chunk);
    expect(written).toMatchObject([
      { data: { toolCallId: 'call_1', [metaKeys.envelope]: { verdict: {}, outcome: {} } } },
    ]);
    const [{ data }] = written as [{ data: Record<string, { outcome: object }> }];
    expect(statementOf(JSON.stringify(data[metaKeys.envelope]?.outcome)).predicate['outcome']).toBe(
      'executed',
    );
    expect(model.prompts()).not.toContain('dev.countersign');
    expect(JSON.stringify(output.messageList.get.all.db())).not.toContain('dev.countersign');
  });
});

describe('the person of a call', () => {
  interface Person {
    readonly humanToken: (() => string) | string;
  }
  const identity = ({ requestContext }: MastraContext<Person>): { humanToken: string } => {
    const token = requestContext?.get('humanToken') ?? '';
    return { humanToken: typeof token === 'string' ? token : token() };
  };

  async function runWith(humanToken: Person['humanToken']) {
    const { gate, asked } = await world();
    const plain = createTool({
      id: 'add_note',
      description: 'Adds a note.',
      inputSchema,
      requireApproval: true,
      execute: ({ text }) => Promise.resolve({ note: text }),
    });
    const { agent, recorder, storage } = office(
      { add_note: governTool<Person>({ gate, server: 'office', identity })(plain) },
      calling(),
    );
    const requestContext = new RequestContext<Person>([['humanToken', humanToken]]);
    const { runId, finishReason } = await agent.generate('Note it.', { requestContext });
    expect(finishReason).toBe('suspended');
    expect(asked).toEqual([]);
    const workflows = await storage.getStore('workflows');
    const stored = JSON.stringify(await workflows?.listWorkflowRuns());
    await agent.approveToolCallGenerate({ runId: runId ?? '', toolCallId: 'call_1', requestContext });
    return { asked, traces: recorder.told, stored };
  }

  it('is in no span and no stored run where the request context holds a function', async () => {
    const { asked, traces, stored } = await runWith(() => 'token-behind-a-function');
    expect(asked.map(({ options }) => options.humanToken)).toEqual(['token-behind-a-function']);
    expect(traces).toContain("tool: 'add_note'");
    expect(stored).toContain('add_note');
    expect(traces + stored).not.toContain('token-behind-a-function');
  });

  it('is in both where it holds the token itself, and so it must not', async () => {
    const { traces, stored } = await runWith('token-in-plain-sight');
    expect(traces).toContain('token-in-plain-sight');
    expect(stored).toContain('token-in-plain-sight');
  });
});

describe('a governed tool as a step of a workflow', () => {
  async function runStep(options?: WorldOptions) {
    const opened = await world(options);
    const after: unknown[] = [];
    const identity = ({ requestContext }: MastraContext): { humanToken: string } => ({
      humanToken: (requestContext?.get('humanToken') as () => string)(),
    });
    const step = createStep(governTool({ gate: opened.gate, server: 'office', identity })(noteTool()));
    const flow = createWorkflow({ id: 'flow', inputSchema, outputSchema })
      .then(step)
      .map(({ inputData }) => Promise.resolve({ note: `${inputData.note}, ${after.push(inputData)}` }))
      .commit();
    const mastra = new Mastra({ workflows: { flow }, logger: false });
    const run = await mastra.getWorkflow('flow').createRun();
    const requestContext = new RequestContext();
    requestContext.set('humanToken', () => 'token-of-one');
    const result = await run.start({ inputData: { text: 'milk' }, requestContext });
    return { ...opened, result, after };
  }

  it('runs what is allowed, for the person of the run', async () => {
    const ran = await runStep();
    expect(ran.result).toMatchObject({ status: 'success', result: { note: 'milk, 1' } });
    expect(await outcomes(ran)).toEqual(['allow', 'executed']);
    expect(ran.asked.map(({ options }) => options.humanToken)).toEqual(['token-of-one']);
  });

  it('fails on a denial, and what comes after it does not run', async () => {
    const ran = await runStep({ decide: denyEverything });
    expect(ran.result).toMatchObject({ status: 'failed', error: { code: 'NO_RULE_ALLOWS' } });
    expect(ran.after).toEqual([]);
    expect(await outcomes(ran)).toEqual(['deny']);
  });
});
