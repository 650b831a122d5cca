import { newSalt } from '../../../src/call/commitment.ts';
import type { TestTrustSystem } from '../../support/trust-system.ts';
import { allowedCall, deniedCall, denialAnswer } from '../../verify/calls.ts';
import { base64, verifierCase } from './case.ts';
import type { CaseOptions } from './case.ts';
import type { VerifierCase } from './subject.ts';

/** Calls that were decided, run and answered just now, and what could be made of their envelopes. */
export async function callCases(system: TestTrustSystem): Promise<VerifierCase[]> {
  const elsewhere = system.trustedRootBytes;
  const ask = (title: string, input: string | readonly string[], options?: CaseOptions): VerifierCase =>
    verifierCase(title, elsewhere, input, options);

  const call = await allowedCall(system);
  const other = await allowedCall(system, { result: '{"content":[]}' });
  const denied = await deniedCall(system);
  const failed = await allowedCall(system, {
    withoutResult: true,
    outcome: { outcome: 'unknown', reason: { code: 'UPSTREAM_GONE', message: 'The server went away.' } },
  });
  const args = JSON.stringify(call.arguments);
  const path = Object.keys(call.arguments)[0] ?? '';
  const salts = (call.openings['arguments'] ?? {}) as Record<string, string>;
  const opening = {
    callId: call.callId,
    field: `/args/${path}`,
    salt: salts[`/${path}`],
    value: call.arguments[path],
  };
  const pair = [call.verdict, call.outcome];
  return [
    ask('an answer with its envelopes', call.answer),
    ask('as a JSON-RPC response', `{"jsonrpc":"2.0","id":1,"result":${call.answer}}`, { expect: 'executed' }),
    ask('verdict and outcome in two inputs', pair, {
      action: call.action,
      arguments: args,
      expect: 'executed',
    }),
    ask('outcome before verdict, in lines', `${call.outcome}\n${call.verdict}\n`),
    ask('a verdict alone', call.verdict, { expect: 'allow' }),
    ask('an outcome alone, as executed', call.outcome, { expect: 'executed' }),
    ask('an ALLOW as a DENY', pair, { expect: 'deny' }),
    ask('with its params', call.answer, { params: call.params }),
    ask('with other params', call.answer, { params: other.params }),
    ask('with other arguments', call.answer, { arguments: JSON.stringify(other.arguments) }),
    ask('an opening', pair, { openings: [JSON.stringify(opening)] }),
    ask('an opening with another salt', pair, {
      openings: [JSON.stringify({ ...opening, salt: base64(newSalt()) })],
    }),
    ask('another call’s opening', [other.verdict], { openings: [JSON.stringify(opening)] }),
    ask('verdict and outcome of different calls', [call.verdict, other.outcome], { expect: 'executed' }),
    ask('a forged result', call.answer.replace('"done"', '"gone"')),
    ask('the action of another call', call.verdict, { action: other.action }),
    ask('a denial', denied.answer, { expect: 'deny' }),
    ask('a denial as an ALLOW', denied.answer, { expect: 'allow' }),
    ask('a denial with another text', denialAnswer('ok', denied.denial, denied.envelope)),
    ask('a call of unknown outcome', [failed.verdict, failed.outcome]),
    ask('several calls', [call.answer, other.answer, denied.answer]),
    ask('an older head of the log', system.bundle(call.verdictRecord, { version: '0.3' })),
    ask('no input', []),
  ];
}
