import { describe, expect, it } from 'vitest';
import { noteTool } from '../contract.ts';
import { openWorld } from '../world.ts';
import { drivers } from './drivers.ts';

describe('what the contract calls traces', () => {
  it.each(drivers)('holds what the tracers of $name are told of a tool', async ({ name, run }) => {
    const { gate, close } = await openWorld();
    const { traces } = await run({
      gate,
      server: 'office',
      tools: [noteTool()],
      calls: [{ id: 'call_1', name: 'add_note', args: { text: 'milk' } }],
      onVerdict: () => undefined,
      onEnd: () => undefined,
    });
    expect(traces).toContain(name.startsWith('AI SDK 6') ? 'ai.toolCall.args' : 'onToolExecutionEnd');
    await close();
  });
});
