import { describe, expect, it } from 'vitest';
import { findCallBundles } from '../../src/runtime/serve/call-bundles.ts';
import { countingTarget, harness, never, statementOf } from '../gate/harness.ts';

describe('the envelopes of a call', () => {
  it('are found for the key that made it, and for no other', async () => {
    const { gate, call, apiKey, ledger } = await harness();
    const made = call();
    await gate.run(made, { apiKey }, countingTarget(), never);
    const parts = { ledger, issuerOf: () => Uint8Array.of(1), logKeyId: new Uint8Array(32) };
    const found = await findCallBundles(parts, made.id, 'key-1');
    expect(statementOf(found?.verdict).predicateType).toContain('/allow/');
    expect(statementOf(found?.outcome).predicateType).toContain('/outcome/');
    expect(await findCallBundles(parts, made.id, 'key-2')).toBeUndefined();
    expect(await findCallBundles(parts, call().id, 'key-1')).toBeUndefined();
  });
});
