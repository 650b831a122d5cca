import { afterEach } from 'vitest';
import type { FakeGate } from './fake-gate.ts';
import { createFakeGate } from './fake-gate.ts';
import type { Wrapped, WrapOptions } from './wrapped.ts';
import { wrapOddServer } from './wrapped.ts';

export const envelopeKey = 'dev.countersign/envelope';
export const denialKey = 'dev.countersign/denial';

export type Conversation = Wrapped & { readonly gate: FakeGate };

/** `wrap` for one test file: each conversation ends with its test. */
export function conversations() {
  let open: Wrapped[] = [];
  afterEach(async () => {
    for (const wrapped of open) wrapped.leave();
    await Promise.all(open.map(({ end }) => end));
    open = [];
  });
  return (options: Omit<Partial<WrapOptions>, 'gate'> & { readonly gate?: FakeGate } = {}): Conversation => {
    const { gate = createFakeGate(), ...others } = options;
    const wrapped = wrapOddServer({ gate, ...others });
    open.push(wrapped);
    return { gate, ...wrapped };
  };
}

/** A call of the odd server's `say`: it answers with the given texts, `$ID` standing for the request's id. */
export function sayCall(id: number | string, ...say: readonly string[]): string {
  const args = JSON.stringify({ say });
  return `{"jsonrpc":"2.0","id":${JSON.stringify(id)},"method":"tools/call","params":{"name":"say","arguments":${args}}}`;
}

/** A call that the odd server never answers. */
export function hangCall(id: number): string {
  return `{"jsonrpc":"2.0","id":${id},"method":"tools/call","params":{"name":"hang","arguments":{}}}`;
}
