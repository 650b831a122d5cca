import type { Call } from '../../src/call/call.ts';
import { createGate } from '../../src/gate/create-gate.ts';
import type { CallResult } from '../../src/gate/gate.ts';
import type { Notice } from '../../src/gate/parts.ts';
import { compilePolicy } from '../../src/policy/compile.ts';
import type { Target } from '../../src/targets/target.ts';
import { countingTarget, harness, never } from './harness.ts';

/** A gate under this policy; `rules` are YAML in flow form. */
export async function under(...rules: readonly string[]) {
  const text = `version: 1\nname: test\nrules:\n${rules.map((rule) => `  - ${rule}\n`).join('')}`;
  const policy = compilePolicy([{ name: 'test.yaml', text }]);
  const made = await harness();
  const notices: [string, Notice][] = [];
  const parts = {
    ...made.parts,
    policy,
    notices: {
      names: new Set(['ops']),
      tell: (to: string, notice: Notice) => void notices.push([to, notice]),
    },
  };
  const gate = createGate(parts);
  const run = (call: Call = made.call(), target: Target = countingTarget()): Promise<CallResult> =>
    gate.run(call, { apiKey: made.apiKey }, target, never);
  return { ...made, parts, gate, run, notices };
}

export function allowing(...obligations: readonly string[]): string {
  return `{id: r, effect: allow, tools: ["*/*"], obligations: [${obligations.join(', ')}]}`;
}

export function codeOf(result: CallResult): string {
  return result.kind === 'done' ? 'done' : result.denial.code;
}

export const rate = '{type: rate, limit: 2, window: 1m, per: [agent]}';
export const budget = '{type: budget, limit: 100, window: 1h, per: [tenant], amount: args.n}';

export const abortedTarget = (): Target =>
  countingTarget({
    kind: 'none',
    outcome: 'aborted',
    code: 'PERMIT_EXPIRED',
    message: 'It did not start.',
  });
