import { refillMeter } from './cel/meter.ts';
import { bindRoots } from './decide.ts';
import type { KnownInput, Policy } from './policy.ts';
import type { RuleIndex } from './rule-index.ts';
import type { Rule } from './rule.ts';

/**
 * Whether some call of this principal to this tool could be allowed, whatever its arguments and whenever it comes. It never
 * hides what `decide` could allow; where a condition hangs on what only a call brings, the answer is yes.
 */
export function couldAllow(policy: Policy, known: KnownInput): boolean {
  return policy.couldAllow?.(known) ?? true;
}

/**
 * What is not known is bound to an error. The operators of a condition pass an error on unless their answer does not hang on
 * it (`false && …`, `true || …`), so that what a condition answers now is what it answers to every call.
 */
export function couldAllowAmong(index: RuleIndex, known: KnownInput): boolean {
  try {
    const candidates = index.for(known.tool.server, known.tool.name);
    const { deny, allow } = candidates.enforced ?? candidates;
    // Binding takes steps as well, and the decision before may have left none.
    refillMeter();
    const bindings = bindRoots({ ...known, ...ofNoCall });
    const answerOf = (rule: Rule): ReturnType<Rule['ask']> | 'open' => {
      refillMeter();
      const answer = rule.ask(bindings);
      return answer === 'error' && readsUnknown(rule) ? 'open' : answer;
    };
    // An error of any rule is a denial, as it is when a call is decided.
    if (deny.some((rule) => isAny(answerOf(rule), 'match', 'error'))) return false;
    const answers = allow.map(answerOf);
    return !answers.includes('error') && answers.some((answer) => isAny(answer, 'match', 'open'));
  } catch {
    // As `decide`, for an input that is no JSON.
    return true;
  }
}

/** A caller that passes a whole input is told the same. */
const ofNoCall = {
  args: undefined,
  now: undefined,
  session: undefined,
  request: undefined,
  history: undefined,
  origins: undefined,
};

/** Roots that only a call has. */
const ofACall: ReadonlySet<string> = new Set([
  ...['args', 'now', 'session', 'request', 'history', 'origins'],
]);

function readsUnknown({ reads }: Rule): boolean {
  for (const root of reads) if (ofACall.has(root)) return true;
  return false;
}

function isAny<T>(value: T, ...of: readonly T[]): boolean {
  return of.includes(value);
}
