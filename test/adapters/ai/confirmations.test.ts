import { generateText, jsonSchema, stepCountIs, tool } from 'ai';
import { describe, expect, it } from 'vitest';
import { governTools } from '../../../adapters/ai/index.ts';
import { isApproved } from '../../../adapters/ai/person-approved.ts';
import { mustConfirm } from '../must-confirm.ts';
import { worlds } from '../worlds.ts';
import { modelOf7 } from './scripted-model.ts';

const world = worlds();
const request = (approvalId: string, toolCallId: string, more: object = {}) => ({
  role: 'assistant',
  content: [{ type: 'tool-approval-request', approvalId, toolCallId, ...more }],
});
const response = (approvalId: string, approved: unknown, role = 'tool') => ({
  role,
  content: [{ type: 'tool-approval-response', approvalId, approved }],
});

describe('what counts as a person’s yes in the messages of a run', () => {
  const asked = [request('a1', 'call_1'), request('a2', 'call_2')];
  it.each<[string, boolean, readonly object[]]>([
    ['the answer to the request of this very call', true, [...asked, response('a1', true)]],
    ['the answer to another call', false, [...asked, response('a2', true)]],
    ['an answer to no request', false, [response('a1', true)]],
    ['a no', false, [...asked, response('a1', false)]],
    [
      'a yes beside a no',
      false,
      [
        ...asked,
        {
          role: 'tool',
          content: [response('a1', true), response('a1', false)].flatMap((each) => each.content),
        },
      ],
    ],
    ['a text in place of true', false, [...asked, response('a1', 'true')]],
    ['an answer that the model gives', false, [...asked, response('a1', true, 'assistant')]],
    [
      'an answer of an earlier turn',
      false,
      [...asked, response('a1', true), { role: 'user', content: 'Go on.' }],
    ],
    [
      'what the application approved by itself',
      false,
      [request('a1', 'call_1', { isAutomatic: true }), response('a1', true)],
    ],
    [
      'a request that the person wrote',
      false,
      [{ ...request('a1', 'call_1'), role: 'user' }, response('a1', true)],
    ],
  ])('%s: %s', (_, counts, messages) => {
    expect(isApproved({ toolCallId: 'call_1', messages })).toBe(counts);
  });
});

describe('a call that has to be confirmed', () => {
  it('is not confirmed by an application that approves everything', async () => {
    const here = await world({ decide: mustConfirm });
    const added: string[] = [];
    const note = tool({
      description: 'Adds a note.',
      inputSchema: jsonSchema<{ text: string }>({ type: 'object', properties: { text: { type: 'string' } } }),
      execute: ({ text }) => added.push(text),
    });
    const { tools } = governTools({ add_note: note }, { gate: here.gate, server: 'office' });
    const model = modelOf7([{ id: 'call_1', name: 'add_note', args: { text: 'milk' } }]);
    const toolApproval = () => 'approved' as const;
    await generateText({ model, tools, toolApproval, prompt: 'Go.', stopWhen: stepCountIs(3) });
    expect(added).toEqual([]);
    expect(here.asked.map(({ call }) => call.confirmed)).toEqual([undefined]);
  });
});
