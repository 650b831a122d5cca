import { describe, expect, it } from 'vitest';
import { commit } from '../../src/call/commitment.ts';
import { canonicalJson } from '../../src/call/canonical-json.ts';
import type { Json } from '../../src/call/json.ts';
import { base64, fromBase64, hex, utf8 } from '../../src/call/sha256.ts';
import type { CommittableField } from '../../src/envelope/committed-principal.ts';
import { createGate } from '../../src/gate/create-gate.ts';
import { verifiedPrincipal, type Authenticator } from '../../src/identity/principal.ts';
import { disclose } from '../../src/runtime/log/disclose.ts';
import { countingTarget, harness, never, statementOf } from './harness.ts';

const person = {
  issuer: 'https://idp.test',
  subject: 'ada-5d1f',
  tenant: 'default',
  roles: ['operator'],
  groups: ['shift-a'],
  binding: 'none',
} as const;

function proven<T>(value: T) {
  return { value, source: 'token', verified: true, observedAt: new Date(0).toISOString() };
}

/** Runs one call of a person whose fields the gate commits to. */
async function callOf(...committed: readonly CommittableField[]) {
  const made = await harness();
  const authenticator: Authenticator = {
    async authenticate(credentials, now) {
      const principal = await made.parts.authenticator.authenticate(credentials, now);
      const network = { ip: '192.0.2.77', zone: 'office' };
      return verifiedPrincipal({ ...principal, human: proven(person), network: proven(network) });
    },
  };
  const gate = createGate({ ...made.parts, authenticator, committed });
  const call = made.call();
  const result = await gate.run(call, { apiKey: made.apiKey }, countingTarget(), never);
  if (result.kind !== 'done') throw new Error('the call was not carried out');
  const { predicate } = statementOf(result.envelopes.verdict);
  const { principal } = predicate as unknown as { principal: Record<string, Record<string, Json>> };
  return { ...made, call, envelopes: result.envelopes, principal };
}

describe('a field of who called that is committed to', () => {
  it('is in no statement of the log, neither of the call nor of its session', async () => {
    const { ledger, principal } = await callOf('human.subject', 'human.groups', 'network.ip');
    expect(principal['human']).toMatchObject({ issuer: person.issuer, roles: ['operator'] });
    expect(Object.keys(principal['human'] ?? {})).not.toContain('subject');
    const { size } = (await ledger.checkpoint()) ?? { size: 0 };
    const log = (await ledger.entries(0, size)).map(({ payload }) => Buffer.from(payload).toString());
    expect(log.join('\n')).toContain(person.issuer);
    for (const secret of [person.subject, 'shift-a', '192.0.2.77'])
      expect(log.join('\n')).not.toContain(secret);
  });

  it('is opened by its salt and canonical JSON, from the side store alone', async () => {
    const { ledger, call, envelopes, principal } = await callOf('human.groups');
    const opening = await disclose(ledger, call.id, '/principal/human/groups');
    expect(opening).toMatchObject({ value: ['shift-a'] });
    const salt = 'salt' in opening ? opening.salt : '';
    expect(principal['committed']).toEqual({
      '/human/groups': {
        commitment: {
          sha256: hex(commit(fromBase64(salt) ?? new Uint8Array(), utf8(canonicalJson(['shift-a'])))),
        },
      },
    });
    expect(JSON.stringify(envelopes.openings)).not.toContain(salt);
    expect(base64(fromBase64(salt) ?? new Uint8Array())).toBe(salt);
  });

  it('is not spoken of where the call has no such field', async () => {
    const { ledger, call, principal } = await callOf('device.id');
    expect(principal).not.toHaveProperty('committed');
    await expect(disclose(ledger, call.id, '/principal/device/id')).rejects.toMatchObject({
      code: 'NOT_FOUND',
    });
  });
});
