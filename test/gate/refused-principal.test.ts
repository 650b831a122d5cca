import { describe, expect, it } from 'vitest';
import type { Authenticator, Credentials, Principal, Refusal } from '../../src/identity/principal.ts';
import { createGate } from '../../src/gate/create-gate.ts';
import { countingTarget, harness, never, statementOf, type Harness } from './harness.ts';

const refusal: Refusal = {
  code: 'KEY_NETWORK_REFUSED',
  message: 'The API key key-1 does not count from this network.',
};

/** A gate whose callers are known, and from the call on that `from` counts, may nothing. */
async function refusing(from = 1): Promise<Harness> {
  const made = await harness();
  let times = 0;
  const authenticator: Authenticator = {
    async authenticate(credentials: Credentials, now: number): Promise<Principal> {
      const principal = await made.parts.authenticator.authenticate(credentials, now);
      times += 1;
      return times < from ? principal : { ...principal, refusal };
    },
  };
  return { ...made, gate: createGate({ ...made.parts, authenticator }) };
}

describe('a caller who is known and may nothing', () => {
  it('is denied in a signed verdict that says why, whatever policy allows', async () => {
    const { gate, apiKey, call } = await refusing();
    const target = countingTarget();
    const result = await gate.run(call(), { apiKey }, target, never);
    expect(result).toMatchObject({ kind: 'denied', denial: refusal });
    const { predicateType, predicate } = statementOf(
      result.kind === 'denied' ? result.envelopes?.verdict : undefined,
    );
    expect(predicateType).toBe('https://countersign.dev/deny/v1');
    expect(predicate).toMatchObject({
      verdict: 'DENY',
      reason: refusal,
      principal: { apiKey: { id: 'key-1' } },
    });
    expect(target.runs).toBe(0);
  });

  it('is denied so as well where they would carry the call out themselves', async () => {
    const { gate, apiKey, call } = await refusing();
    const delegated = await gate.delegate(call(), { apiKey });
    expect(delegated).toMatchObject({ kind: 'denied', denial: refusal, envelopes: {} });
  });

  it('is rejected where nothing is decided: nobody reads anything under a refused principal', async () => {
    const { gate, apiKey } = await refusing();
    await expect(gate.authenticate({ apiKey })).rejects.toMatchObject({ code: refusal.code });
    await expect(gate.authenticate({ apiKey }, 'call')).resolves.toMatchObject({ refusal });
  });

  it('does not run a call that was allowed a moment before', async () => {
    const { gate, apiKey, call } = await refusing(2);
    const target = countingTarget();
    const result = await gate.run(call(), { apiKey }, target, never);
    expect(result).toMatchObject({ kind: 'done', execution: { outcome: 'aborted', code: 'LEASE_ENDED' } });
    expect(target.runs).toBe(0);
  });
});
