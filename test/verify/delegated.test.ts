import { describe, expect, it } from 'vitest';
import { utf8 } from '../../src/call/bytes.ts';
import type { OutcomeKind } from '../../src/call/call.ts';
import { formatReport } from '../../src/cli/verify-text.ts';
import { loadTrust } from '../../src/verify/trust.ts';
import { verifyToolResult } from '../../src/verify/verify.ts';
import { testTrustSystem } from '../support/trust-system.ts';
import { allowedCall, codesOf, deniedCall } from './calls.ts';

const system = await testTrustSystem();
const trust = await loadTrust(system.trustedRootBytes);
const verify = (value: object) => verifyToolResult(utf8(JSON.stringify(value)), trust);

const settleBy = system.now + 60_000;

/** A call and its outcome, as an action's answer: with or without `settleBy`, and told by either. */
async function answerOf(delegated: boolean, observedBy: 'gate' | 'caller', outcome: OutcomeKind) {
  const made = await allowedCall(system, {
    facts: delegated ? { settleBy, notAfter: settleBy } : {},
    outcome: { observedBy, outcome },
  });
  const { callId, verdict, outcome: settled, openings, result } = made;
  const envelope = {
    verdict: JSON.parse(verdict) as object,
    outcome: JSON.parse(settled) as object,
    openings,
  };
  const told = outcome === 'failed' ? 'error' : 'result';
  return { callId, [told]: JSON.parse(result) as object, _meta: { 'dev.countersign/envelope': envelope } };
}

describe('who saw the end of a call', () => {
  it.each<[string, boolean, 'gate' | 'caller', OutcomeKind, readonly string[]]>([
    ['a caller that carried it out', true, 'caller', 'executed', []],
    ['a caller that failed', true, 'caller', 'failed', []],
    ['a gate that dispatched it', false, 'gate', 'executed', []],
    ['a gate that heard nothing of its caller', true, 'gate', 'unknown', []],
    ['a gate that never gave it out', true, 'gate', 'aborted', []],
    ['a gate that cannot have seen it', true, 'gate', 'executed', ['PAIR_MISMATCH']],
    ['a gate that cannot have seen it fail', true, 'gate', 'failed', ['PAIR_MISMATCH']],
    ['a caller of a call that the gate dispatched', false, 'caller', 'executed', ['PAIR_MISMATCH']],
    [
      'a caller that settles what the gate dispatched as unknown',
      false,
      'caller',
      'unknown',
      ['PAIR_MISMATCH'],
    ],
  ])('is %s', async (_, delegated, observedBy, outcome, expected) => {
    const codes = codesOf(await verify(await answerOf(delegated, observedBy, outcome)));
    expect(codes).toEqual(expected);
  });

  it('is printed as what it is: the word of the caller', async () => {
    const report = await verify(await answerOf(true, 'caller', 'executed'));
    const io = { stdout: { write: () => true }, env: {} };
    const text = formatReport(report, io);
    expect(text).toContain('the gate saw nothing of it');
    expect(text).toContain(new Date(settleBy).toISOString());
    expect(report.calls[0]?.envelopes).toMatchObject([
      { settleBy: new Date(settleBy).toISOString() },
      { observedBy: 'caller' },
    ]);
    expect(formatReport(await verify(await answerOf(false, 'gate', 'executed')), io)).not.toContain('run by');
  });

  it('must be one of the two', async () => {
    const observedBy = 'auditor' as 'gate';
    expect(codesOf(await verify(await answerOf(true, observedBy, 'unknown')))).toContain(
      'STATEMENT_MALFORMED',
    );
  });
});

describe('the answer of a decision', () => {
  const withEnvelope = (verdict: string, openings: object, more: object) => ({
    ...more,
    _meta: { 'dev.countersign/envelope': { verdict: JSON.parse(verdict) as object, openings } },
  });

  it('verifies when it says what was signed', async () => {
    const { callId, verdict, openings } = await allowedCall(system, { facts: { settleBy } });
    const permit = { handle: 'h', settleBy: new Date(settleBy).toISOString() };
    const allow = withEnvelope(verdict, openings, { callId, decision: 'ALLOW', permit });
    expect(codesOf(await verify(allow))).toEqual([]);
  });

  it('is refused when it says ALLOW of a DENY, DENY of an ALLOW, or gives another reason', async () => {
    const allowed = await allowedCall(system, { facts: { settleBy } });
    const denied = await deniedCall(system);
    const denial = { code: 'NO_RULE_ALLOWS', message: 'Another reason.' };
    const lies = [
      withEnvelope(denied.verdict, denied.openings, { callId: denied.callId, decision: 'ALLOW' }),
      withEnvelope(allowed.verdict, allowed.openings, { callId: allowed.callId, decision: 'DENY', denial }),
      withEnvelope(allowed.verdict, allowed.openings, {
        callId: allowed.callId,
        decision: 'DENY',
        denial: {},
      }),
      withEnvelope(denied.verdict, denied.openings, { callId: denied.callId, decision: 'DENY', denial }),
      withEnvelope(allowed.verdict, allowed.openings, { callId: denied.callId, decision: 'ALLOW' }),
    ];
    for (const lie of lies) expect(codesOf(await verify(lie))).toContain('UNBOUND');
  });
});
