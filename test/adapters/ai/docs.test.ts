import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { supportAgent } from '../../../examples/ai-sdk-agent/agent.ts';
import { blocks, page } from '../../docs/pages.ts';
import { openWorld } from '../world.ts';
import { answer } from './example.ts';
import { modelOf7 } from './scripted-model.ts';

const [first = '', second = ''] = blocks(page('docs/ai-sdk.md'), 'ts');

/** A file as its reader writes it, with the package installed. */
function published(path: string): string {
  return readFileSync(new URL(path, import.meta.url), 'utf8')
    .replace(/'(?:\.\.\/)+src\/index\.ts'/, "'countersign'")
    .replace(/'(?:\.\.\/)+adapters\/ai\/index\.ts'/, "'countersign/ai'");
}

describe('docs/ai-sdk.md', () => {
  it('shows the agent that the example compiles and runs', async () => {
    expect(first).toBe(published('../../../examples/ai-sdk-agent/agent.ts'));
    const { gate, logged, close } = await openWorld();
    const args = { order: 'A7', euros: 20 };
    const agent = supportAgent(modelOf7([{ id: 'call_1', name: 'refund', args }]), { gate });
    expect((await agent.generate({ prompt: 'Please.' })).text).toBe('done');
    expect((await logged()).map(({ kind }) => kind)).toEqual(['allow', 'outcome']);
    await close();
  });

  it('shows the very answer to a UI that is compiled and run here', async () => {
    expect(second).toBe(published('example.ts'));
    const { gate, asked, close } = await openWorld();
    const model = modelOf7([{ id: 'call_1', name: 'addNote', args: { text: 'milk' } }]);
    const text = await answer(gate, model, 'token-of-one', 'Note the milk.').text();
    expect(text).toContain('"type":"data-countersign"');
    expect(text).not.toContain('token-of-one');
    expect(asked.map(({ options }) => options.humanToken)).toEqual(['token-of-one']);
    await close();
  });
});
