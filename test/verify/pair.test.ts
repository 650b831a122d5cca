import { describe, expect, it } from 'vitest';
import { utf8 } from '../../src/call/bytes.ts';
import { allowed } from '../envelope/facts.ts';
import { loadTrust } from '../../src/verify/trust.ts';
import type { InputOptions } from '../../src/verify/verify.ts';
import { verifyInputs, verifyToolResult } from '../../src/verify/verify.ts';
import { testTrustSystem } from '../support/trust-system.ts';
import { allowedCall, codesOf, deniedCall, envelopeMember, splice } from './calls.ts';
import type { TestCall } from './calls.ts';

const system = await testTrustSystem();
const trust = await loadTrust(system.trustedRootBytes);
const call = await allowedCall(system);
const other = await allowedCall(system);
const denied = await deniedCall(system);

const codes = async (text: string, options: InputOptions = {}): Promise<readonly string[]> =>
  codesOf(await verifyToolResult(utf8(text), trust, options));

/** The answer of a call with some of its parts exchanged. */
const recomposed = (
  parts: Partial<Pick<TestCall, 'verdict' | 'outcome' | 'openings' | 'result'>>,
): string => {
  const all = { ...call, ...parts };
  return splice(all.result, envelopeMember(all.verdict, all.outcome, all.openings));
};

describe('the pair of verdict and outcome', () => {
  it('must be of one call', async () => {
    expect(await codes(recomposed({ outcome: other.outcome }))).toContain('PAIR_MISMATCH');
    expect(await codes(recomposed({ verdict: other.verdict }))).toContain('PAIR_MISMATCH');
  });

  it('must be a verdict and an outcome, in that order', async () => {
    expect(await codes(recomposed({ verdict: call.outcome, outcome: call.verdict }))).toContain(
      'PAIR_MISMATCH',
    );
    expect(await codes(recomposed({ outcome: call.verdict }))).toContain('PAIR_MISMATCH');
  });

  it('is not one when the outcome names another entry, another verdict, or a tree without the verdict', async () => {
    for (const change of [
      { sha256: 'a'.repeat(64) },
      { logIndex: 0 },
      { treeSize: 1 },
      { treeSize: 1_000_000 },
    ]) {
      const base = { sha256: 'b'.repeat(64), logIndex: 3, treeSize: 4, rootHash: 'c'.repeat(64) };
      const forged = await allowedCall(system, { outcome: { verdict: { ...base, ...change } } });
      expect(await codes(forged.answer)).toContain('PAIR_MISMATCH');
    }
  });

  it('is not one when a DENY was executed', async () => {
    const forged = await allowedCall(system, {
      facts: { decision: { verdict: 'DENY', code: 'RULE_DENIES', message: 'No.', controls: [] } },
    });
    expect(await codes(forged.answer)).toContain('PAIR_MISMATCH');
  });

  it('may come in two inputs, in either order', async () => {
    const inputs = [call.outcome, call.verdict].map((text, i) => ({ name: `file ${i}`, bytes: utf8(text) }));
    const report = await verifyInputs(inputs, trust, { expect: 'executed' });
    expect(report).toMatchObject({ ok: true, calls: [{ from: ['file 0', 'file 1'] }] });
  });

  it('may have been proved again under a newer head', async () => {
    const verdict = system.bundle(call.verdictRecord, { version: '0.3' });
    const outcome = system.bundle(call.outcomeRecord, { version: '0.3' });
    expect(await codes(recomposed({ verdict, outcome }), { expect: 'executed' })).toEqual([]);
  });
});

describe('--expect', () => {
  it.each([
    ['allow', call.verdict, true],
    ['allow', call.answer, true],
    ['allow', denied.answer, false],
    ['allow', call.outcome, false],
    ['deny', denied.answer, true],
    ['deny', denied.verdict, true],
    ['deny', call.answer, false],
    ['executed', call.answer, true],
    ['executed', call.verdict, false],
    ['executed', call.outcome, false],
    ['executed', denied.answer, false],
  ] as const)('%s', async (expected, text, met) => {
    expect(await codes(text, { expect: expected })).toEqual(met ? [] : ['EXPECTATION_FAILED']);
  });

  it('is never met by a shadow run, which enforced nothing', async () => {
    const shadow = await allowedCall(system, {
      facts: { decision: { ...allowed.decision, enforced: false } },
    });
    expect(await codes(shadow.answer)).toEqual([]);
    for (const expected of ['allow', 'deny', 'executed'] as const) {
      expect(await codes(shadow.answer, { expect: expected })).toEqual(['EXPECTATION_FAILED']);
    }
  });

  it('executed is not met by a failed, aborted or unknown outcome', async () => {
    for (const outcome of ['failed', 'aborted', 'unknown'] as const) {
      const { verdict, outcome: bundle } = await allowedCall(system, { outcome: { outcome } });
      expect(await codes(`${verdict}\n${bundle}`, { expect: 'executed' })).toEqual(['EXPECTATION_FAILED']);
    }
  });
});

describe('several envelopes', () => {
  it('are refused when their log shows two trees of one size', async () => {
    const size = system.leaves.length;
    const before = system.bundle(call.verdictRecord, { size });
    const kept = [...system.leaves];
    system.leaves[0] = utf8('rewritten');
    const after = system.bundle(other.verdictRecord, { size });
    system.leaves.splice(0, system.leaves.length, ...kept);
    expect(await codes(`${before}\n${after}`)).toEqual(['TREE_MISMATCH']);
    expect(await codes(`${before}\n${system.bundle(other.verdictRecord, { size })}`)).toEqual([]);
  });

  it('are refused when their log has two entries under one index', async () => {
    const first = await allowedCall(system);
    const removed = system.leaves.splice(first.verdictRecord.index);
    const rewritten = await allowedCall(system);
    expect(await codes(`${first.verdict}\n${rewritten.verdict}`)).toContain('TREE_MISMATCH');
    system.leaves.splice(first.verdictRecord.index, Infinity, ...removed);
  });
});
