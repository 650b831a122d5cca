import { generateText, jsonSchema, stepCountIs, streamText, tool, type ModelMessage } from 'ai';
import * as ai6 from 'ai-v6';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { governTools } from '../../../adapters/ai/index.ts';
import { outcomes, worlds } from '../worlds.ts';
import { denyEverything } from '../../gate/harness.ts';
import { all, modelOf6, modelOf7, toldTo } from './scripted-model.ts';

const world = worlds();
afterEach(() => vi.useRealTimers());

const calls = [{ id: 'call_1', name: 'add_note', args: { text: 'milk' } }];
const inputSchema = jsonSchema<{ text: string }>({
  type: 'object',
  properties: { text: { type: 'string' } },
});
const stopWhen = stepCountIs(3);

function notes(added: string[] = []) {
  const execute = ({ text }: { text: string }): string => {
    added.push(text);
    return `added ${text}`;
  };
  return { add_note: tool({ description: 'Adds a note.', inputSchema, execute }) };
}

describe('toolApproval of AI SDK 7', () => {
  it('asks the gate once for a call, and hands its permit to execute', async () => {
    const here = await world();
    const added: string[] = [];
    const governed = governTools(notes(added), { gate: here.gate, server: 'office' });
    const model = modelOf7(calls);
    const result = await generateText({ model, ...governed, prompt: 'Go.', stopWhen });
    expect(result.text).toBe('done');
    expect(added).toEqual(['milk']);
    expect(here.asked).toHaveLength(1);
    expect(await outcomes(here)).toEqual(['allow', 'executed']);
  });

  it('shows a denial as one: the tool’s execution never starts, and the model is told the reason', async () => {
    const here = await world({ decide: denyEverything });
    const added: string[] = [];
    const onToolExecutionStart = vi.fn();
    const governed = governTools(notes(added), { gate: here.gate, server: 'office' });
    const model = modelOf7(calls);
    const result = streamText({ model, ...governed, prompt: 'Go.', stopWhen, onToolExecutionStart });
    const parts = await all(result.stream);
    expect(added).toEqual([]);
    expect(onToolExecutionStart).not.toHaveBeenCalled();
    expect(parts).toContainEqual(
      expect.objectContaining({ type: 'tool-output-denied', toolCallId: 'call_1' }),
    );
    expect(toldTo(model.doStreamCalls).get('call_1')).toMatch(/execution-denied.*NO_RULE_ALLOWS/);
    expect(here.asked).toHaveLength(1);
  });

  it('keeps runs apart that name their calls alike', async () => {
    const here = await world({
      decide: ({ args }) => (args['text'] === 'no' ? denyEverything() : allowed),
    });
    const added: string[] = [];
    const governed = governTools(notes(added), { gate: here.gate, server: 'office' });
    const texts = ['a', 'no', 'b', 'no', 'c'];
    await Promise.all(
      texts.map((text) => {
        const model = modelOf7([{ id: 'call_1', name: 'add_note', args: { text } }]);
        return generateText({ model, ...governed, prompt: 'Go.', stopWhen });
      }),
    );
    expect(added.sort()).toEqual(['a', 'b', 'c']);
    expect(here.asked.map(({ call }) => call.arguments['text']).sort()).toEqual(texts.sort());
  });

  it('gives a permit back that another approval leaves unused', async () => {
    const here = await world();
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const added: string[] = [];
    const { tools, toolApproval } = governTools(notes(added), { gate: here.gate, server: 'office' });
    await generateText({
      model: modelOf7(calls),
      tools,
      async toolApproval({ toolCall: { toolCallId, input }, messages }) {
        await toolApproval.add_note?.(input, { toolCallId, messages });
        return { type: 'denied' };
      },
      prompt: 'Go.',
      stopWhen,
    });
    expect(await outcomes(here)).toEqual(['allow']);
    await vi.advanceTimersByTimeAsync(10_000);
    vi.useRealTimers();
    await expect.poll(() => outcomes(here)).toEqual(['allow', 'aborted']);
    expect(added).toEqual([]);
  });

  it('denies what it cannot put before the gate, in place of ending the run', async () => {
    const { gate } = await world();
    const unreadable = jsonSchema(() => {
      throw new Error('This schema is no JSON Schema.');
    });
    const tools = { add_note: { ...notes().add_note, inputSchema: unreadable } };
    const { toolApproval } = governTools(tools, { gate, server: 'office' });
    const asked = { toolCallId: 'call_1', messages: [] };
    expect(await toolApproval.add_note?.({ text: 'milk' }, asked)).toMatchObject({ type: 'denied' });
  });

  it('denies where nobody can tell for whom the call is', async () => {
    const { gate } = await world();
    const identity = (): never => {
      throw new Error('Nobody is logged in.');
    };
    const governed = governTools(notes(), { gate, server: 'office', identity });
    const model = modelOf7(calls);
    const result = await generateText({ model, ...governed, prompt: 'Go.', stopWhen });
    expect(result.text).toBe('done');
    expect(toldTo(model.doGenerateCalls).get('call_1')).toContain('LOGIN_FAILED');
  });

  it('is no condition: without it, or approved by somebody else, a denied call does not run', async () => {
    const { gate } = await world({ decide: denyEverything });
    const added: string[] = [];
    const { tools } = governTools(notes(added), { gate, server: 'office' });
    const model = modelOf7(calls);
    await generateText({ model, tools, toolApproval: () => 'approved', prompt: 'Go.', stopWhen });
    expect(added).toEqual([]);
    expect(toldTo(model.doGenerateCalls).get('call_1')).toMatch(/error-text.*NO_RULE_ALLOWS/);
  });
});

describe('a tool that needs a person’s approval', () => {
  it('waits for its person in AI SDK 7, and passes the gate after that', async () => {
    const here = await world();
    const added: string[] = [];
    const asking = { add_note: { ...notes(added).add_note, needsApproval: true } };
    const governed = governTools(asking, { gate: here.gate, server: 'office' });
    const prompt: ModelMessage[] = [{ role: 'user', content: 'Go.' }];
    const first = await generateText({ model: modelOf7(calls), ...governed, prompt, stopWhen });
    const [request] = first.content.filter(({ type }) => type === 'tool-approval-request');
    expect([added, here.asked]).toEqual([[], []]);

    const approvalId = request && 'approvalId' in request ? request.approvalId : '';
    const approval: ModelMessage = {
      role: 'tool',
      content: [{ type: 'tool-approval-response', approvalId, approved: true }],
    };
    const messages = [...prompt, ...first.finalStep.response.messages, approval];
    await generateText({ model: modelOf7([]), ...governed, messages, stopWhen });
    expect(added).toEqual(['milk']);
    expect(await outcomes(here)).toEqual(['allow', 'executed']);
  });

  it('waits for its person in AI SDK 6, and may be denied after that', async () => {
    const here = await world({ decide: denyEverything });
    const added: string[] = [];
    const asking = {
      add_note: ai6.tool({
        inputSchema: ai6.jsonSchema<{ text: string }>({ type: 'object' }),
        needsApproval: true,
        execute: ({ text }) => added.push(text),
      }),
    };
    const { tools } = governTools(asking, { gate: here.gate, server: 'office' });
    const prompt: ai6.ModelMessage[] = [{ role: 'user', content: 'Go.' }];
    const first = await ai6.generateText({ model: modelOf6(calls), tools, prompt });
    const [request] = first.content.filter(({ type }) => type === 'tool-approval-request');
    expect(here.asked).toEqual([]);

    const approvalId = request && 'approvalId' in request ? request.approvalId : '';
    const approval: ai6.ModelMessage = {
      role: 'tool',
      content: [{ type: 'tool-approval-response', approvalId, approved: true }],
    };
    const model = modelOf6([]);
    await ai6.generateText({ model, tools, messages: [...prompt, ...first.response.messages, approval] });
    expect(added).toEqual([]);
    expect(toldTo(model.doGenerateCalls).get('call_1')).toContain('NO_RULE_ALLOWS');
    expect(await outcomes(here)).toEqual(['deny']);
  });
});

const allowed = {
  verdict: 'ALLOW',
  code: 'RULE_ALLOWS',
  rule: 'all',
  message: '',
  obligations: [],
  controls: [],
} as const;
