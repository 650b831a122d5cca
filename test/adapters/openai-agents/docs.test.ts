import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { metaKeys } from '../../../src/names.ts';
import { blocks, page } from '../../docs/pages.ts';
import { openWorld } from '../world.ts';
import { clerk, talk } from './example.ts';
import { scriptedModel } from './scripted-model.ts';

it('shows the very program that is compiled and run here', async () => {
  const program = readFileSync(new URL('example.ts', import.meta.url), 'utf8')
    .replace('../../../src/index.ts', 'countersign')
    .replace('../../../adapters/openai-agents/index.ts', 'countersign/openai-agents');
  expect(blocks(page('docs/openai-agents.md'), 'ts')[0]).toBe(program);

  const { gate, asked, logged, close } = await openWorld();
  const model = scriptedModel([{ id: 'call_1', name: 'add_note', args: { text: 'milk' } }]);
  const { newItems } = await talk(clerk(gate, model), 'Note the milk.', 'token-of-one');
  expect(model.told().get('call_1')).toContain('Noted: milk');
  const item = newItems.find((each) => each.type === 'tool_call_output_item');
  expect(item?.customData).toHaveProperty([metaKeys.envelope]);
  expect(asked.map(({ options }) => options.humanToken)).toEqual(['token-of-one']);
  expect((await logged()).map(({ kind }) => kind)).toEqual(['allow', 'outcome']);
  await close();
});
