import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { utf8 } from '../../src/call/sha256.ts';
import { verifyEntry } from '../../src/verify/entry.ts';
import type { LoggedEntry } from '../../src/verify/entry.ts';
import { verifyEnvelope } from '../../src/verify/envelope.ts';
import { loadTrust } from '../../src/verify/trust.ts';
import { flipBit } from '../tlog/reference.ts';
import { testTrustSystem } from '../support/trust-system.ts';
import { allowedCall } from './calls.ts';

const system = await testTrustSystem();
const trust = await loadTrust(system.trustedRootBytes);
const { verdict, verdictRecord } = await allowedCall(system);
const { signed, index } = verdictRecord;
const entry: LoggedEntry = { leaf: signed.leaf, payload: signed.payload, timestamp: signed.timestamp };
const [log] = trust.transparencyLogs;
const place = { log: log!, index, treeSize: index + 1, rootHash: new Uint8Array(32) };

describe('an entry of a log whose tree was recomputed', () => {
  it('says what its envelope says', async () => {
    const [own, ofEnvelope] = [
      await verifyEntry(entry, place, trust),
      await verifyEnvelope(utf8(verdict), trust),
    ];
    if (!own.ok || !ofEnvelope.ok) throw new Error('both must verify');
    const { place: _place, bundleVersion: _version, ...rest } = ofEnvelope;
    expect(own).toEqual({ ...rest, place });
  });

  it('is refused with any bit of leaf, statement or timestamp changed', async () => {
    const part = fc.constantFrom('leaf', 'payload', 'timestamp');
    await fc.assert(
      fc.asyncProperty(part, fc.nat(), async (name, at) => {
        const bytes = entry[name];
        const changed = { ...entry, [name]: flipBit(bytes, at % (8 * bytes.length)) };
        expect((await verifyEntry(changed, place, trust)).ok).toBe(false);
      }),
      { numRuns: 400 },
    );
  });

  it.each([
    ['LOG_ENTRY_KIND', { leaf: utf8('anything') }],
    ['LEAF_MISMATCH', { leaf: utf8(`${Buffer.from(entry.leaf).toString()} `) }],
    ['TIMESTAMP_MISSING', { timestamp: new Uint8Array() }],
    ['TOO_LARGE', { timestamp: new Uint8Array(16 * 1024 + 1) }],
    ['TOO_LARGE', { payload: new Uint8Array(1024 * 1024 + 1) }],
  ])('is refused as %s', async (code, change) => {
    const result = await verifyEntry({ ...entry, ...change }, place, trust);
    expect(result.ok ? [] : result.failures.map((failure) => failure.code)).toContain(code);
  });

  it('is refused when the log’s key was not yet, or no longer, valid', async () => {
    for (const validFor of [
      { start: 0, end: system.now - 60_000 },
      { start: system.now + 60_000, end: Infinity },
    ]) {
      const result = await verifyEntry(entry, { ...place, log: { ...place.log, validFor } }, trust);
      expect(result.ok ? [] : result.failures.map(({ code }) => code)).toEqual(['LOG_UNKNOWN']);
    }
  });
});
