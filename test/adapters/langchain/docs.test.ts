import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { delegation, evidenceOf } from '../../../adapters/langchain/index.ts';
import { blocks, page } from '../../docs/pages.ts';
import { openWorld } from '../world.ts';
import { scripted, toolMessages } from './agent.ts';
import { clerk } from './example.ts';

it('shows the very program that is compiled and run here', async () => {
  const program = readFileSync(new URL('example.ts', import.meta.url), 'utf8')
    .replace('../../../src/index.ts', 'countersign')
    .replace('../../../adapters/langchain/index.ts', 'countersign/langchain');
  expect(blocks(page('docs/langchain.md'), 'ts')[0]).toBe(program);

  const { gate, asked, close } = await openWorld();
  const agent = clerk(gate, scripted([{ id: 'call_1', name: 'add_note', args: { text: 'milk' } }]));
  const { messages } = await agent.invoke(
    { messages: [{ role: 'user', content: 'Note the milk.' }] },
    { context: { person: delegation({ humanToken: 'a-token' }) } },
  );
  const [message] = toolMessages(messages);
  expect(message?.content).toBe('{"added":"milk"}');
  expect(JSON.parse((message && evidenceOf(message)) ?? '')).toMatchObject({ result: { added: 'milk' } });
  expect(asked.map(({ options }) => options.humanToken)).toEqual(['a-token']);
  await close();
});
