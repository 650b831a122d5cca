import { describe, expect, it } from 'vitest';
import type { Json, JsonObject } from '../../src/call/json.ts';
import { formatReport } from '../../src/cli/verify-text.ts';
import { predicateTypes } from '../../src/names.ts';
import { readFacts } from '../../src/verify/predicates.ts';
import type { EnvelopeReport } from '../../src/verify/report.ts';

const callId = '01a20093-ee3b-74f0-946f-148985026a75';
const granted = {
  id: 'task-1',
  issuer: 'shift-lead',
  subject: 'spiffe://plant.test/agent/planner',
  sha256: '0'.repeat(64),
  expiresAt: '2026-01-02T12:00:00.000Z',
};

function factsOf(grants: Json) {
  const principal: JsonObject = { apiKey: { id: 'key-1' }, grants };
  return readFacts({
    subject: [{ name: `urn:uuid:${callId}`, sha256: '0'.repeat(64) }],
    predicateType: predicateTypes.allow,
    kind: 'allow',
    predicate: { verdict: 'ALLOW', callId, decidedAt: '2026-01-02T12:00:00Z', principal },
  });
}

describe('the grants of a verdict', () => {
  it.each<[string, Json]>([
    ['an object', {}],
    ['a list of texts', ['task-1']],
    ['without an id', [{ ...granted, id: 1 }]],
    ['without whose they are', [{ ...granted, issuer: null }]],
    ['with a digest that is none', [{ ...granted, sha256: 'x' }]],
  ])('are not read as %s', (_, grants) => {
    expect(() => factsOf(grants)).toThrow(
      expect.objectContaining({
        failure: expect.objectContaining({ code: 'STATEMENT_MALFORMED' }) as object,
      }) as Error,
    );
  });

  it('are read in their order', () => {
    const { expiresAt: _, ...stated } = granted;
    expect(factsOf([granted, { ...granted, id: 'part-1' }])).toMatchObject({
      grants: [stated, { ...stated, id: 'part-1' }],
    });
  });

  it('are printed in one line, in which nobody can write another', () => {
    const envelope = {
      kind: 'allow',
      verdict: 'ALLOW',
      signer: { identity: 's', issuer: 'i' },
      stamped: { time: 't', authority: 'a' },
      log: { origin: 'o', index: 0, treeSize: 1, rootHash: '' },
      grants: [{ ...granted, issuer: 'shift-lead\n  agent      somebody' }],
    } as unknown as EnvelopeReport;
    const call = { from: ['x'], ok: true, failures: [], envelopes: [envelope], binding: {} } as never;
    const report = { ok: true, trustRoot: '', assurance: 'self', calls: [call], failures: [] } as const;
    const text = formatReport(report, { stdout: { write: () => true }, env: {} });
    expect(text.split('\n').filter((line) => line.includes('somebody'))).toHaveLength(1);
    expect(text).toContain('→ spiffe://plant.test/agent/planner (task-1)');
  });
});
