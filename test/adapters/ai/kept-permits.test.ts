import { describe, expect, it } from 'vitest';
import { createKeptPermits } from '../../../adapters/ai/kept-permits.ts';
import type { AllowedCall } from '../../../src/adapter.ts';
import { askCall } from '../../../src/client/ask-call.ts';
import { openWorld } from '../world.ts';

const info = { toolCallId: 'call_1', messages: [] };

describe('permits between the approval of the AI SDK and its execution', () => {
  it('are taken once', async () => {
    await using permits = await opened();
    const input = {};
    permits.kept.keep(input, info, await permits.ask());
    expect(permits.kept.take(input, info)).toBeDefined();
    expect(permits.kept.take(input, info)).toBeUndefined();
  });

  it('are of one run: neither an equal input nor the same id nor another list of messages gets one', async () => {
    await using permits = await opened();
    const input = { text: 'milk' };
    permits.kept.keep(input, info, await permits.ask());
    expect(permits.kept.take({ ...input }, info)).toBeUndefined();
    expect(permits.kept.take(input, { ...info, messages: [] })).toBeUndefined();
    expect(permits.kept.take(input, { ...info, toolCallId: 'call_2' })).toBeUndefined();
    expect(permits.kept.take('milk', info)).toBeUndefined();
    expect(permits.kept.take(input, info)).toBeDefined();
  });

  it('are given back when nobody takes them in time, and are gone then', async () => {
    await using permits = await opened(20);
    const input = {};
    permits.kept.keep(input, info, await permits.ask());
    await expect.poll(() => permits.logged()).toEqual(['allow', 'aborted']);
    expect(permits.kept.take(input, info)).toBeUndefined();
  });

  it('are given back when the same input is allowed anew', async () => {
    await using permits = await opened();
    const input = {};
    permits.kept.keep(input, info, await permits.ask());
    permits.kept.keep(input, info, await permits.ask());
    await expect.poll(() => permits.logged()).toEqual(['allow', 'allow', 'aborted']);
    expect(permits.kept.take(input, info)).toBeDefined();
  });

  it('begin nothing for a caller who went before they were taken', async () => {
    await using permits = await opened();
    const input = {};
    permits.kept.keep(input, info, await permits.ask());
    const call = permits.kept.take(input, { ...info, abortSignal: AbortSignal.abort() });
    expect(await run(call)).toMatchObject({ kind: 'denied', denial: { code: 'CALLER_CANCELLED' } });
    expect(await permits.logged()).toEqual(['allow', 'aborted']);
  });

  it('leave nothing behind on a signal that outlives the call', async () => {
    await using permits = await opened();
    const listeners = new Set<unknown>();
    const caller = new AbortController();
    caller.signal.addEventListener = (_type: string, listener: unknown) => void listeners.add(listener);
    caller.signal.removeEventListener = (_type: string, listener: unknown) => void listeners.delete(listener);
    for (const ends of [run, read]) {
      const input = {};
      permits.kept.keep(input, info, await permits.ask());
      const call = permits.kept.take(input, { ...info, abortSignal: caller.signal });
      expect(listeners.size).toBe(1);
      await ends(call);
      expect(listeners.size).toBe(0);
    }
  });
});

const run = (call: AllowedCall | undefined) => call?.run(async () => 'ran');

async function read(call: AllowedCall | undefined): Promise<void> {
  const parts = call?.stream(async function* () {
    yield 'ran';
  });
  for await (const part of parts ?? []) expect(part).toBe('ran');
}

async function opened(milliseconds = 10_000) {
  const { gate, logged, close } = await openWorld();
  const call = { server: 'office', tool: 'add_note', arguments: {}, definition: { name: 'add_note' } };
  return {
    kept: createKeptPermits(milliseconds),
    async ask() {
      const stop = new AbortController();
      const asked = await askCall(gate, call, { signal: stop.signal });
      if (asked.kind === 'denied') throw new Error(asked.denial.code);
      return { allowed: asked, stop };
    },
    logged: async () =>
      (await logged()).map(({ kind, predicate }) => (kind === 'outcome' ? predicate['outcome'] : kind)),
    [Symbol.asyncDispose]: close,
  };
}
