import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { blocks, page } from '../../docs/pages.ts';
import { openWorld } from '../world.ts';
import { newSession, responses, ScriptedModel, talk } from './agent.ts';
import { clerk } from './example.ts';

it('shows the very program that is compiled and run here', async () => {
  const program = readFileSync(new URL('example.ts', import.meta.url), 'utf8')
    .replace('../../../src/index.ts', 'countersign')
    .replace('../../../adapters/google-adk/index.ts', 'countersign/google-adk');
  expect(blocks(page('docs/google-adk.md'), 'ts')[0]).toBe(program);

  const { gate, logged, close } = await openWorld();
  const runner = clerk(gate, new ScriptedModel([{ id: 'call_1', name: 'add_note', args: { text: 'milk' } }]));
  const events = await talk(runner, await newSession(runner), 'Note the milk.');
  expect(events.flatMap(responses)).toMatchObject([{ response: { added: 'milk' } }]);
  expect(events.some(({ customMetadata }) => customMetadata?.['countersign'] !== undefined)).toBe(true);
  expect((await logged()).map(({ kind }) => kind)).toEqual(['allow', 'outcome']);
  await close();
});
