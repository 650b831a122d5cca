import type { Node } from 'yaml';
import type { Json } from '../call/json.ts';
import { lintCondition, lintValue } from './cel/lint.ts';
import { compileProgram, type Bindings } from './cel/program.ts';
import { ConditionError, parseCondition, type Syntax } from './cel/syntax.ts';
import { jsonOf } from './cel/values.ts';
import type { Answer } from './rule.ts';
import type { YamlSource } from './yaml-source.ts';

/** A condition, compiled. Only a boolean answers; anything else is an error. */
export interface CompiledCondition {
  readonly reads: ReadonlySet<string>;
  readonly ask: (bindings: Bindings) => Answer;
}

/** An expression whose value is JSON; undefined for any error. */
export interface CompiledValue {
  readonly reads: ReadonlySet<string>;
  readonly json: (bindings: Bindings) => Json | undefined;
}

/** CEL source → condition; throws `ConditionError`. */
export function compileCondition(source: string): CompiledCondition & { readonly syntax: Syntax } {
  const syntax = parseCondition(source);
  const reads = lintCondition(syntax);
  const run = compileProgram(syntax.expr);
  return {
    syntax,
    reads,
    ask(bindings) {
      const value = run(bindings);
      if (value === true) return 'match';
      return value === false ? 'no-match' : 'error';
    },
  };
}

/** CEL source → expression; throws `ConditionError`. */
export function compileExpression(source: string): CompiledValue {
  const syntax = parseCondition(source);
  const reads = lintValue(syntax);
  const run = compileProgram(syntax.expr);
  return {
    reads,
    json(bindings) {
      try {
        const value = run(bindings);
        return value === undefined ? undefined : jsonOf(value);
      } catch {
        // Reading a value takes steps as well, and they may be used up.
        return undefined;
      }
    },
  };
}

/** The expression of an obligation's field; refuses with the place. */
export function compileValue(yaml: YamlSource, node: Node, what: string): CompiledValue {
  const source = yaml.string(node, what);
  return atPlace(yaml, node, `in ${what}`, () => compileExpression(source));
}

/** What a source is refused for, with its place in the file. */
export function atPlace<T>(yaml: YamlSource, node: Node, where: string, compile: () => T): T {
  try {
    return compile();
  } catch (thrown) {
    const offset = thrown instanceof ConditionError ? thrown.offset : 0;
    const sentence = thrown instanceof ConditionError ? thrown.message : 'the condition cannot be compiled';
    return yaml.refuse(yaml.offsetWithin(node, offset), `${where}, ${sentence}`);
  }
}
