import type { Call } from '../../src/call/call.ts';
import type { JsonObject } from '../../src/call/json.ts';
import { boundResult } from '../../src/gate/bound-result.ts';
import type { Obligation } from '../../src/policy/obligation.ts';
import { createFakeGate, type FakeGate } from '../support/fake-gate.ts';

/** A gate that does to arguments and results what a real one does, and nothing else. */
export function createBoundingGate(
  obligations: readonly Obligation[],
  change: (args: JsonObject) => JsonObject = (args) => args,
): FakeGate {
  const gate = createFakeGate();
  return {
    ...gate,
    async run(call, credentials, target, signal) {
      const changed: Call = { ...call, ...call.withArguments?.(change(call.arguments)) };
      const result = await gate.run(changed, credentials, target, signal);
      if (result.kind !== 'done' || (result.execution.kind === 'result' && result.execution.pending))
        return result;
      return { ...result, execution: (await boundResult(result.execution, obligations)).execution };
    },
    async settleLater(callId, execution) {
      const settled = await gate.settleLater(callId, execution);
      return 'denial' in settled
        ? settled
        : { ...settled, execution: (await boundResult(settled.execution, obligations)).execution };
    },
  };
}

export const withoutDigits: Obligation = {
  ...{ rule: 'r', type: 'redact', of: 'result', fields: ['/secret', '/_meta/secret', '/data/secret'] },
  ...{ match: '[0-9]{4}', with: '****' },
};

export const atMost100: Obligation = { rule: 'r', type: 'limit', bytes: 100 };
