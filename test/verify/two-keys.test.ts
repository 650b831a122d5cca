import { describe, expect, it } from 'vitest';
import { utf8 } from '../../src/call/bytes.ts';
import { assembleBundle } from '../../src/envelope/bundle.ts';
import { change } from '../../src/envelope/statements.ts';
import { generateEd25519Key } from '../../src/pki/signer-node.ts';
import type { SyncSigner } from '../../src/pki/signer.ts';
import { transparencyLogEntry, withSuccessor } from '../../src/pki/trusted-root.ts';
import { loadTrust } from '../../src/verify/trust.ts';
import { verifyInputs } from '../../src/verify/verify.ts';
import { logKeyId, proveIn } from '../envelope/tiny-log.ts';
import { testTrustSystem } from '../support/trust-system.ts';

const minute = 60_000;
const system = await testTrustSystem();
const { origin, now, logSigner } = system;
const { signer: nextSigner } = generateEd25519Key();
const next = transparencyLogEntry({
  origin,
  publicKey: nextSigner.publicKey,
  keyId: logKeyId(origin, nextSigner),
  validFrom: now - minute,
});
const root = withSuccessor(system.trustedRoot, { tlogs: [next] }, now + minute);
const trust = await loadTrust(utf8(JSON.stringify(root)));

const identity = await system.issue({ notBefore: now - 30 * minute });
const record = (time: number) =>
  system.record('change', change({ change: { kind: 'test' }, changedAt: time, mode: 'same-user' }), {
    time,
    identity,
  });
type Recorded = Awaited<ReturnType<typeof record>>;

/** The envelope of the last leaf, under a head that this key signs. */
function under(signer: SyncSigner, { signed }: Recorded, leaves: readonly Uint8Array[]): string {
  return assembleBundle({
    signed,
    issuer: system.keys.issuing.certificate,
    proof: proveIn(leaves, leaves.length - 1, origin, signer),
    logKeyId: logKeyId(origin, signer),
  });
}

async function codesOf(...envelopes: readonly string[]): Promise<readonly string[]> {
  const inputs = envelopes.map((text, i) => ({ name: String(i), bytes: utf8(text) }));
  const report = await verifyInputs(inputs, trust);
  return [...report.failures, ...report.calls.flatMap(({ failures }) => failures)].map(({ code }) => code);
}

describe('a log that had two keys', () => {
  it('is one log: an entry of before verifies under a head of the next key, and one of the old key', async () => {
    const early = await record(now - 10 * minute);
    const leaves = [utf8('an older entry'), early.signed.leaf];
    expect(await codesOf(under(logSigner, early, leaves), under(nextSigner, early, leaves))).toEqual([]);
  });

  it('is one tree: two roots of one size are a fork, whichever key signed which', async () => {
    const [one, other] = [await record(now), await record(now)];
    const [a, b] = [utf8('a'), utf8('b')];
    expect(
      await codesOf(
        under(logSigner, one, [a, one.signed.leaf]),
        under(nextSigner, other, [b, other.signed.leaf]),
      ),
    ).toContain('TREE_MISMATCH');
  });

  it('signs no head over what is later than the end of the key, and nothing from before the first key', async () => {
    const late = await record(now + 2 * minute);
    expect(await codesOf(under(logSigner, late, [late.signed.leaf]))).toEqual(['LOG_UNKNOWN']);
    expect(await codesOf(under(nextSigner, late, [late.signed.leaf]))).toEqual([]);
  });

  it('is not joined over a gap between the keys', async () => {
    const gap = withSuccessor(system.trustedRoot, { tlogs: [next] }, now - 5 * minute);
    const apart = await loadTrust(utf8(JSON.stringify(gap)));
    const early = await record(now - 10 * minute);
    const text = under(nextSigner, early, [early.signed.leaf]);
    const report = await verifyInputs([{ name: 'early', bytes: utf8(text) }], apart);
    expect(report.calls[0]?.failures.map(({ code }) => code)).toEqual(['LOG_UNKNOWN']);
  });
});
