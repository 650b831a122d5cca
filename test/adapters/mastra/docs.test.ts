import type { AgentConfig } from '@mastra/core/agent';
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { blocks, page } from '../../docs/pages.ts';
import { openWorld } from '../world.ts';
import { clerk, talk } from './example.ts';
import { scriptedModel } from './scripted-model.ts';

it('shows the very program that is compiled and run here', async () => {
  const program = readFileSync(new URL('example.ts', import.meta.url), 'utf8')
    .replace('../../../src/index.ts', 'countersign')
    .replace('../../../adapters/mastra/index.ts', 'countersign/mastra');
  expect(blocks(page('docs/mastra.md'), 'ts')[0]).toBe(program);

  const { gate, asked, logged, close } = await openWorld();
  const { model, told } = scriptedModel([{ id: 'call_1', name: 'addNote', args: { text: 'milk' } }]);
  const agent = clerk(gate, model as unknown as AgentConfig['model']);
  const { fullStream } = await talk(agent, 'Note the milk.', 'token-of-one');
  const chunks = [];
  for await (const { type } of fullStream) chunks.push(type);
  expect(chunks).toContain('data-countersign');
  expect(told().get('call_1')).toContain('milk');
  expect(asked.map(({ options }) => options.humanToken)).toEqual(['token-of-one']);
  expect((await logged()).map(({ kind }) => kind)).toEqual(['allow', 'outcome']);
  await close();
});
