import { afterEach, describe, expect, expectTypeOf, it } from 'vitest';
import { z } from 'zod';
import { govern } from '../../src/client/govern.ts';
import { openWorld, type World } from '../adapters/world.ts';

let open: World | undefined;
afterEach(() => open?.close());

async function world(): Promise<World> {
  open = await openWorld();
  return open;
}

const schema = z.object({ text: z.string(), copies: z.number().default(1) });

describe('a governed function', () => {
  it('has the types of its schema: what it takes, what its schema makes of that, and what it gives', async () => {
    const { gate } = await world();
    const add = govern(gate, { tool: 'notes/add', schema }, ({ text, copies }, { callId, signal }) => {
      expectTypeOf(text).toEqualTypeOf<string>();
      expectTypeOf(copies).toEqualTypeOf<number>();
      expectTypeOf(signal).toEqualTypeOf<AbortSignal>();
      return `${callId} ${text.repeat(copies)}`;
    });
    expectTypeOf(add).parameter(0).toEqualTypeOf<{ text: string; copies?: number | undefined }>();
    expectTypeOf(add).returns.resolves.toEqualTypeOf<string>();
    expect(await add({ text: 'milk' })).toMatch(/^[0-9a-f-]{36} milk$/);
  });

  it('is decided on with what its schema made of the arguments, and runs with exactly that', async () => {
    const { gate, asked } = await world();
    const seen: unknown[] = [];
    const add = govern(gate, { tool: 'notes/add', schema }, (args) => void seen.push(args));
    await add({ text: 'milk' });
    expect(asked.map(({ call }) => [call.server, call.tool, call.arguments])).toEqual([
      ['notes', 'add', { text: 'milk', copies: 1 }],
    ]);
    expect(seen).toEqual([{ text: 'milk', copies: 1 }]);
  });

  it('asks no gate about arguments that do not fit, and does not run', async () => {
    const { gate, asked } = await world();
    let runs = 0;
    const add = govern(gate, { tool: 'notes/add', schema }, () => (runs += 1));
    const wrong = { text: 7 } as unknown as { text: string };
    expect(await add.run(wrong)).toMatchObject({ kind: 'denied', denial: { code: 'ARGUMENTS_INVALID' } });
    await expect(add(wrong)).rejects.toMatchObject({ name: 'CallRefusedError', code: 'ARGUMENTS_INVALID' });
    expect([runs, asked.length]).toEqual([0, 0]);
  });

  it.each(['notes', '/add', 'notes/', ''])('has a server and a tool in its name: not %j', async (tool) => {
    const { gate } = await world();
    const making = (): unknown => govern(gate, { tool }, () => 1);
    expect(making).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }));
  });
});
