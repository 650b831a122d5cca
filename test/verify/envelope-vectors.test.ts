import { readFileSync, readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { utf8 } from '../../src/call/bytes.ts';
import { leafOf, preAuthentication } from '../../src/verify/leaf.ts';
import { readBundle } from '../../src/verify/bundle.ts';
import type { VerifyCode } from '../../src/verify/codes.ts';
import { verifyEnvelope } from '../../src/verify/envelope.ts';
import { loadTrust } from '../../src/verify/trust.ts';
import { verifyToolResult } from '../../src/verify/verify.ts';

const vector = (name: string): Uint8Array =>
  readFileSync(new URL(`../vectors/envelope/${name}`, import.meta.url));
const trust = await loadTrust(vector('trusted_root.json'));
const identity = 'spiffe://example.org/governor/gw-1';

describe('the known-good envelope', () => {
  it.each(['bundle02.json', 'bundle03.json'])('%s verifies, and says who, when and where', async (name) => {
    const verified = await verifyEnvelope(vector(name), trust, { identity });
    expect(verified).toMatchObject({
      ok: true,
      signer: { identity, issuerUrl: 'https://ca.example.org' },
      stamp: { time: Date.parse('2026-11-21T21:17:31.603Z'), authority: 'https://tsa.example.org' },
      place: { index: 777, treeSize: 1000, log: { origin: 'log.example.org' } },
      statement: { kind: undefined, predicate: { verdict: 'DENY' } },
    });
  });

  it('implies the very bytes that its parts hold: signed bytes and Merkle leaf', () => {
    const bundle = readBundle(JSON.parse(Buffer.from(vector('bundle03.json')).toString()));
    expect(Buffer.from(preAuthentication(bundle.payload))).toEqual(vector('pae.bin'));
    expect(Buffer.from(leafOf(vector('pae.bin'), bundle))).toEqual(vector('body.json'));
  });

  it('opens its subject with the action document and no other', async () => {
    const options = { identity, action: vector('action.json') };
    expect(await verifyToolResult(vector('bundle02.json'), trust, options)).toMatchObject({
      ok: true,
      calls: [{ binding: { subject: 'opened' } }],
    });
    const other = await verifyToolResult(vector('bundle02.json'), trust, { action: utf8('{"args":{}}') });
    expect(other.calls[0]?.failures.map(({ code }) => code)).toEqual(['SUBJECT_MISMATCH']);
  });

  it.each(['allow', 'deny', 'executed'] as const)(
    'shows nothing of our own: it does not satisfy --expect %s',
    async (expected) => {
      const report = await verifyToolResult(vector('bundle02.json'), trust, { expect: expected });
      expect(report.ok).toBe(false);
      expect(report.calls[0]?.failures.map(({ code }) => code)).toEqual(['EXPECTATION_FAILED']);
    },
  );

  it('is refused for another identity, also one that its own only begins with', async () => {
    for (const other of [
      'spiffe://example.org/governor/gw-',
      'spiffe://example.org/governor/gw-11',
      '^spiffe://.*$',
    ]) {
      const refused = await verifyEnvelope(vector('bundle02.json'), trust, { identity: other });
      expect(refused).toMatchObject({ ok: false, failures: [{ code: 'CERTIFICATE_IDENTITY' }] });
    }
  });
});

describe('a tampered copy is refused, with the code of each check that it fails', () => {
  const expected: Readonly<Record<string, readonly VerifyCode[]>> = {
    'b2sig.json': ['SIGNATURE_COUNT'],
    'bextra.json': ['BUNDLE_UNKNOWN_FIELD'],
    't_body.json': ['LEAF_MISMATCH', 'INCLUSION_INVALID'],
    't_cp.json': ['CHECKPOINT_INVALID'],
    't_ipidx.json': ['LOG_INDEX_MISMATCH', 'INCLUSION_INVALID'],
    't_notlog.json': ['LOG_ENTRY_MISSING'],
    't_nots.json': ['TIMESTAMP_MISSING'],
    't_payload.json': ['SIGNATURE_INVALID', 'LEAF_MISMATCH'],
    't_proof.json': ['INCLUSION_INVALID'],
    't_tlidx.json': ['LOG_INDEX_MISMATCH'],
    't_tst.json': ['TIMESTAMP_INVALID'],
  };

  it('and every file there is has its row', () => {
    const files = readdirSync(new URL('../vectors/envelope/reject/', import.meta.url));
    expect(files.sort()).toEqual(Object.keys(expected).sort());
  });

  it.each(Object.entries(expected))('%s', async (name, codes) => {
    const refused = await verifyEnvelope(vector(`reject/${name}`), trust);
    expect(refused.ok ? [] : refused.failures.map(({ code }) => code)).toEqual(codes);
  });
});
