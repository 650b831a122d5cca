import { celTimestamp } from '../../policy/cel/functions.ts';
import type { Bindings } from '../../policy/cel/program.ts';
import {
  compileCondition,
  compileExpression,
  type CompiledCondition,
  type CompiledValue,
} from '../../policy/condition.ts';
import { bindRoots } from '../../policy/decide.ts';
import type { PolicyInput } from '../../policy/policy.ts';

/** What a text in a grant compiles to; `invalid` for one that does not, which admits nothing. */
type Compiled<T> = T | 'invalid';

/** Texts that are remembered, of at most four thousand characters each. Whoever is granted chooses them. */
const rememberedTexts = 256;

/** The condition of a grant. Each text is compiled once. */
export const conditionOf = remembering<CompiledCondition>(compileCondition);

/** The expression of a budget. */
export const amountOf = remembering<CompiledValue>(compileExpression);

/** The variables of a rule. Throws for what is no input of a policy. */
export function bindingsOf(input: PolicyInput): Bindings {
  const bindings = bindRoots(input);
  bindings['now'] = celTimestamp(input.now);
  return bindings;
}

function remembering<T>(compile: (source: string) => T): (source: string) => Compiled<T> {
  const known = new Map<string, Compiled<T>>();
  return (source) => {
    const found = known.get(source) ?? compiledOr(compile, source);
    known.delete(source);
    known.set(source, found);
    const [oldest] = known.keys();
    if (known.size > rememberedTexts && oldest !== undefined) known.delete(oldest);
    return found;
  };
}

function compiledOr<T>(compile: (source: string) => T, source: string): Compiled<T> {
  try {
    return compile(source);
  } catch {
    return 'invalid';
  }
}
