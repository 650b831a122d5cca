import { Agent, RunContext, Runner, RunState, tool } from '@openai/agents';
import { describe, expect, expectTypeOf, it } from 'vitest';
import { z } from 'zod';
import { governTool, noteFailures } from '../../../adapters/openai-agents/index.ts';
import { metaKeys } from '../../../src/names.ts';
import { denyEverything, statementOf } from '../../gate/harness.ts';
import { outcomes, worlds } from '../worlds.ts';
import { scriptedModel, type ScriptedModel } from './scripted-model.ts';
import { newTrace } from './traces.ts';

const world = worlds();

const parameters = z.object({ text: z.string() });

function noteTool(execute: (args: { text: string }) => unknown = ({ text }) => `noted ${text}`) {
  return tool({ name: 'add_note', description: 'Adds a note.', parameters, execute });
}

function calling(args: string | { text: string } = { text: 'milk' }): ScriptedModel {
  return scriptedModel([{ id: 'call_1', name: 'add_note', args }]);
}

describe('a governed function tool', () => {
  it('is of the same type, and keeps everything else that it was', async () => {
    const { gate } = await world();
    const plain = tool({
      name: 'add_note',
      description: 'Adds a note.',
      parameters,
      execute: ({ text }, context?: RunContext<{ user: string }>) => `${context?.context.user}: ${text}`,
      needsApproval: true,
      timeoutMs: 5_000,
      inputGuardrails: [
        { name: 'short', run: () => Promise.resolve({ behavior: { type: 'allow' as const } }) },
      ],
    });
    const governed = governTool<{ user: string }>({ gate, server: 'office' })(plain);
    expectTypeOf(governed).toEqualTypeOf(plain);
    const { invoke: _gated, customDataExtractor: _ours, ...rest } = governed;
    const { invoke: _bare, customDataExtractor: _own, ...was } = plain;
    expect(rest).toEqual(was);
  });

  it('is gated however it is invoked', async () => {
    const { gate } = await world({ decide: denyEverything });
    const ran: unknown[] = [];
    const governed = governTool({ gate, server: 'office' })(noteTool((args) => ran.push(args)));
    const told = await governed.invoke(new RunContext(), '{"text":"milk"}');
    expect(told).toContain('NO_RULE_ALLOWS');
    expect(ran).toEqual([]);
  });

  it('runs exactly what was decided on, however ambiguous the model’s JSON is', async () => {
    const { gate, asked } = await world();
    const ran: unknown[] = [];
    const any = tool({
      name: 'add_note',
      description: 'Adds a note.',
      parameters: { type: 'object', properties: {}, required: [], additionalProperties: true },
      strict: false,
      execute: (args) => ran.push(args),
    });
    const model = calling('{"text":"milk", "n": 9007199254740993, "__proto__":{"a":1}, "text":"bleach"}');
    const agent = new Agent({ name: 'Clerk', model, tools: [governTool({ gate, server: 'office' })(any)] });
    await new Runner().run(agent, 'Note it.');
    expect(asked[0]?.call.arguments['text']).toBe('bleach');
    expect(JSON.stringify(ran)).toBe(JSON.stringify([asked[0]?.call.arguments]));
    expect(JSON.stringify(ran)).toContain('"__proto__":{"a":1}');
  });

  it.each(['["milk"]', '"milk"', '7', 'true'])(
    'runs nothing for arguments that are no object: %s',
    async (args) => {
      const { gate } = await world();
      const ran: unknown[] = [];
      const loose = tool({
        name: 'add_note',
        description: 'Adds a note.',
        parameters: { type: 'object', properties: {}, required: [], additionalProperties: true },
        strict: false,
        execute: (given) => ran.push(given),
      });
      const model = calling(args);
      const agent = new Agent({
        name: 'Clerk',
        model,
        tools: [governTool({ gate, server: 'office' })(loose)],
      });
      await new Runner().run(agent, 'Note it.');
      expect(ran).toEqual([]);
      expect(model.told().get('call_1')).toContain('FRAME_INVALID');
    },
  );

  it('gives its envelopes to the output item, beside the tool’s own data, and not to the model', async () => {
    const { gate } = await world();
    const plain = tool({
      name: 'add_note',
      description: 'Adds a note.',
      parameters,
      execute: ({ text }) => text,
      customDataExtractor: () => ({ page: 7 }),
    });
    const model = calling();
    const agent = new Agent({ name: 'Clerk', model, tools: [governTool({ gate, server: 'office' })(plain)] });
    const { newItems } = await new Runner().run(agent, 'Note it.');
    const item = newItems.find((each) => each.type === 'tool_call_output_item');
    const data = item?.customData as Record<string, { verdict: object; outcome: object }>;
    expect(data['page']).toBe(7);
    expect(Object.keys(data)).toContain(metaKeys.envelope);
    expect(statementOf(JSON.stringify(data[metaKeys.envelope]?.outcome)).predicate['outcome']).toBe(
      'executed',
    );
    expect(JSON.stringify(model.requests)).not.toContain('dev.countersign');
  });

  it('gives a denial to the output item too', async () => {
    const { gate } = await world({ decide: denyEverything });
    const agent = new Agent({
      name: 'Clerk',
      model: calling(),
      tools: [governTool({ gate, server: 'office' })(noteTool())],
    });
    const { newItems } = await new Runner().run(agent, 'Note it.');
    const item = newItems.find((each) => each.type === 'tool_call_output_item');
    expect(item?.customData).toMatchObject({ [metaKeys.denial]: { code: 'NO_RULE_ALLOWS' } });
  });
});

describe('a governed function tool that throws', () => {
  const broken = (): never => {
    throw new TypeError('the notebook is full');
  };

  it('is recorded as failed though the SDK makes a sentence of it', async () => {
    const opened = await world();
    const model = calling();
    const tools = [governTool({ gate: opened.gate, server: 'office' })(noteTool(broken))];
    await new Runner().run(new Agent({ name: 'Clerk', model, tools }), 'Note it.');
    expect(await outcomes(opened)).toEqual(['allow', 'failed']);
    expect(model.told().get('call_1')).toContain('An error occurred while running the tool.');
  });

  it('is recorded with its error, and the model is told what its errorFunction says', async () => {
    const opened = await world();
    const ends: unknown[] = [];
    const govern = governTool({
      gate: opened.gate,
      server: 'office',
      onEnd: ({ ended }) => ends.push(ended),
    });
    const model = calling();
    const plain = tool({
      name: 'add_note',
      description: 'Adds a note.',
      parameters,
      execute: broken,
      errorFunction: noteFailures((_context, error) => `Sorry: ${String(error)}`),
    });
    await new Runner().run(new Agent({ name: 'Clerk', model, tools: [govern(plain)] }), 'Note it.');
    expect(await outcomes(opened)).toEqual(['allow', 'failed']);
    expect(ends).toMatchObject([{ kind: 'failed', error: { name: 'TypeError' } }]);
    expect(model.told().get('call_1')).toContain('Sorry: TypeError: the notebook is full');
  });

  it('looks executed where its own errorFunction hides the error', async () => {
    const opened = await world();
    const plain = tool({
      name: 'add_note',
      description: 'Adds a note.',
      parameters,
      execute: broken,
      errorFunction: () => 'That did not work.',
    });
    const tools = [governTool({ gate: opened.gate, server: 'office' })(plain)];
    await new Runner().run(new Agent({ name: 'Clerk', model: calling(), tools }), 'Note it.');
    expect(await outcomes(opened)).toEqual(['allow', 'executed']);
  });

  it('ends the run where it is to, and is recorded all the same', async () => {
    const opened = await world();
    const plain = tool({
      name: 'add_note',
      description: 'Adds a note.',
      parameters,
      execute: broken,
      errorFunction: null,
    });
    const tools = [governTool({ gate: opened.gate, server: 'office' })(plain)];
    const run = new Runner().run(new Agent({ name: 'Clerk', model: calling(), tools }), 'Note it.');
    await expect(run).rejects.toThrow('the notebook is full');
    expect(await outcomes(opened)).toEqual(['allow', 'failed']);
  });

  it('is recorded as failed when its arguments do not fit its schema', async () => {
    const opened = await world();
    const ran: unknown[] = [];
    const tools = [governTool({ gate: opened.gate, server: 'office' })(noteTool((args) => ran.push(args)))];
    const model = calling('{"text":7}');
    await new Runner().run(new Agent({ name: 'Clerk', model, tools }), 'Note it.');
    expect(ran).toEqual([]);
    expect(await outcomes(opened)).toEqual(['allow', 'failed']);
  });
});

describe('a governed function tool with a time-out', () => {
  it('is stopped, and its end is recorded as unknown', async () => {
    const opened = await world();
    const slow = tool({
      name: 'add_note',
      description: 'Adds a note.',
      parameters,
      timeoutMs: 100,
      execute: (_args, _context, details) =>
        new Promise((_resolve, reject) => {
          details?.signal?.addEventListener('abort', () => reject(new Error('stopped')));
        }),
    });
    const model = calling();
    const tools = [governTool({ gate: opened.gate, server: 'office' })(slow)];
    await new Runner().run(new Agent({ name: 'Clerk', model, tools }), 'Note it.');
    expect(model.told().get('call_1')).toContain('timed out');
    await expect.poll(() => outcomes(opened)).toEqual(['allow', 'unknown']);
  });
});

describe('a governed function tool that outlives its permit', () => {
  it('is told by its signal, and its end is recorded as unknown', async () => {
    const opened = await world();
    const slow = tool({
      name: 'add_note',
      description: 'Adds a note.',
      parameters,
      execute: (_args, _context, details) =>
        new Promise((_resolve, reject) => {
          details?.signal?.addEventListener('abort', () => reject(new Error('stopped')));
        }),
    });
    const tools = [governTool({ gate: opened.gate, server: 'office', settleWithin: 300 })(slow)];
    await new Runner().run(new Agent({ name: 'Clerk', model: calling(), tools }), 'Note it.');
    await expect.poll(() => outcomes(opened)).toEqual(['allow', 'unknown']);
  });
});

describe('a governed function tool with an output schema', () => {
  const outputSchema = z.object({ note: z.string() });

  it('answers a denial with what its errorFunction says', async () => {
    const { gate } = await world({ decide: denyEverything });
    const plain = tool({
      name: 'add_note',
      description: 'Adds a note.',
      parameters,
      outputSchema,
      execute: ({ text }) => ({ note: text }),
      errorFunction: (_context, error) => ({ note: (error as Error & { code: string }).code }),
    });
    const model = calling();
    const tools = [governTool({ gate, server: 'office' })(plain)];
    await new Runner().run(new Agent({ name: 'Clerk', model, tools }), 'Note it.');
    expect(model.told().get('call_1')).toContain('NO_RULE_ALLOWS');
  });

  it('ends the run on a denial when it has none', async () => {
    const { gate } = await world({ decide: denyEverything });
    const plain = tool({
      name: 'add_note',
      description: 'Adds a note.',
      parameters,
      outputSchema,
      execute: ({ text }) => ({ note: text }),
    });
    const tools = [governTool({ gate, server: 'office' })(plain)];
    const run = new Runner().run(new Agent({ name: 'Clerk', model: calling(), tools }), 'Note it.');
    await expect(run).rejects.toMatchObject({ error: { code: 'NO_RULE_ALLOWS' } });
  });
});

describe('approvals and stored runs of the SDK', () => {
  it('comes after the SDK’s own approval, in the run that goes on from a stored state', async () => {
    const opened = await world();
    const plain = tool({
      name: 'add_note',
      description: 'Adds a note.',
      parameters,
      needsApproval: true,
      execute: ({ text }) => text,
    });
    const identity = ({ context }: RunContext<{ humanToken: () => string }>): { humanToken: string } => ({
      humanToken: context.humanToken(),
    });
    const model = calling();
    const tools = [governTool({ gate: opened.gate, server: 'office', identity })(plain)];
    const agent = new Agent<{ humanToken: () => string }>({ name: 'Clerk', model, tools });
    const runner = new Runner();
    const monday = { humanToken: (): string => 'token-of-monday' };
    const first = await runner.run(agent, 'Note it.', { context: monday });
    expect(first.interruptions).toHaveLength(1);
    expect(opened.asked).toEqual([]);

    const stored = first.state.toString();
    expect(stored).not.toContain('token-of-monday');
    const tuesday = new RunContext({ humanToken: (): string => 'token-of-tuesday' });
    const state = await RunState.fromStringWithContext(agent, stored, tuesday);
    for (const item of state.getInterruptions()) state.approve(item);
    await runner.run(agent, state);
    expect(opened.asked.map(({ options }) => options.humanToken)).toEqual(['token-of-tuesday']);
    expect(await outcomes(opened)).toEqual(['allow', 'executed']);
  });

  it('finds a plain token of the context in a stored run, and so it must not be one', async () => {
    const { gate } = await world();
    const tools = [governTool({ gate, server: 'office' })(noteTool())];
    const agent = new Agent<{ humanToken: string }>({ name: 'Clerk', model: calling(), tools });
    const { traceId, told } = newTrace();
    const context = { humanToken: 'token-in-plain-sight' };
    const { state } = await new Runner({ traceId }).run(agent, 'Note it.', { context });
    expect(state.toString()).toContain('token-in-plain-sight');
    expect(told()).toContain('add_note');
    expect(told()).not.toContain('token-in-plain-sight');
  });
});
