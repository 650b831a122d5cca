import { CountersignError } from '../../../src/errors.ts';
import { compilePolicy } from '../../../src/policy/compile.ts';
import type { PolicySource } from '../../../src/policy/policy.ts';

/** Where and why sources are refused, `name:line:column: sentence`; fails when they are not, or with another error. */
export function refusalOf(...sources: readonly (string | PolicySource)[]): string {
  try {
    compilePolicy(
      sources.map((one, at) =>
        typeof one === 'string' ? { name: `${'abc'[at] ?? 'x'}.yaml`, text: one } : one,
      ),
    );
  } catch (thrown) {
    if (thrown instanceof CountersignError && thrown.code === 'POLICY_INVALID') return thrown.message;
    throw thrown;
  }
  throw new Error('the sources were accepted');
}

/** The refusal of one condition. */
export function conditionRefusal(when: string): string {
  return refusalOf(
    `version: 1\nname: a\nrules:\n  - id: r\n    effect: allow\n    tools: ["*/*"]\n    when: ${JSON.stringify(when)}\n`,
  );
}
