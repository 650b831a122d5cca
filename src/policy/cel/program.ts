import { celEnv, celError, isCelError, parse, plan, type CelInput } from '@bufbuild/cel';
import { RE2JS } from '@bufbuild/re2';
import { flowFunctionOf, flowFunctions, rootOfFlow } from './flow.ts';
import { functions, hasFunction, turnFunction } from './functions.ts';
import { charge } from './meter.ts';
import { childrenOf, type Expr, type Node } from './syntax.ts';
import type { CelValue } from './values.ts';

/** Values of the variables, by name: null-prototype, so that no name resolves to what JavaScript inherits. */
export type Bindings = Record<string, CelInput>;

/** The value, or undefined for any error: its text may contain values of the call and is dropped here. */
export type Program = (bindings: Bindings) => CelValue | undefined;

/**
 * What stands for a variable that the input does not have: reading it, also within `has`, is an error. An error is no input by
 * its type; the engine hands on whatever it is given.
 */
export const absent = celError('absent') as unknown as CelInput;

const compiledPatterns = new Map<string, { test(text: string): boolean }>();
const patternsKept = 512;

/** RE2, so that no pattern backtracks; a condition's patterns are literals, compiled once. Throws for a bad one. */
export function compilePattern(pattern: string): { test(text: string): boolean } {
  let compiled = compiledPatterns.get(pattern);
  if (compiled === undefined) {
    const regex = RE2JS.compile(pattern);
    compiled = {
      test(text) {
        // A step stands for about a microsecond: a character costs RE2 up to half of one, and to begin with some twenty.
        charge(20 + (text.length >>> 2));
        return regex.test(text);
      },
    };
    if (compiledPatterns.size >= patternsKept) compiledPatterns.clear();
    compiledPatterns.set(pattern, compiled);
  }
  return compiled;
}

const environment = celEnv({ funcs: [...functions, ...flowFunctions], re2: { compile: compilePattern } });

/** A syntax tree → a function that never throws. */
export function compileProgram(expr: Expr): Program {
  const run = plan(environment, strictPresence(expr));
  return (bindings) => {
    try {
      const result = run(bindings);
      return isCelError(result) ? undefined : result;
    } catch {
      return undefined;
    }
  };
}

/**
 * `has(e.f)` as a call of our own function. The engine's answers false, rather than with an error, when `e` is not
 * bound or no map at all, and so `!has(human.blocked)` without a human, or `!has(args.options.force)` with a string
 * for `options`, would grant. As a call it is strict: any error in `e` is the call's.
 */
function strictPresence(expr: Expr): Expr {
  const { exprKind } = expr;
  switch (exprKind.case) {
    case 'selectExpr': {
      const { operand, field, testOnly } = exprKind.value;
      if (operand === undefined) return expr;
      const inner = strictPresence(operand);
      if (!testOnly)
        return { ...expr, exprKind: { ...exprKind, value: { ...exprKind.value, operand: inner } } };
      return { ...expr, exprKind: { case: 'callExpr', value: presenceCall(inner, field) } };
    }
    case 'callExpr': {
      const { target, args } = exprKind.value;
      const value = { ...exprKind.value, args: args.map(strictPresence) };
      const root = rootOfFlow.get(value.function);
      if (root !== undefined)
        return { ...expr, exprKind: { case: 'callExpr', value: flowCall(value, root) } };
      if (target !== undefined) value.target = strictPresence(target);
      return { ...expr, exprKind: { ...exprKind, value } };
    }
    case 'listExpr': {
      const elements = exprKind.value.elements.map(strictPresence);
      return { ...expr, exprKind: { ...exprKind, value: { ...exprKind.value, elements } } };
    }
    case 'structExpr': {
      const entries = exprKind.value.entries.map((entry) => {
        const rewritten = { ...entry };
        if (entry.value !== undefined) rewritten.value = strictPresence(entry.value);
        if (entry.keyKind.case === 'mapKey') {
          rewritten.keyKind = { case: 'mapKey', value: strictPresence(entry.keyKind.value) };
        }
        return rewritten;
      });
      return { ...expr, exprKind: { ...exprKind, value: { ...exprKind.value, entries } } };
    }
    case 'comprehensionExpr': {
      const value = { ...exprKind.value };
      for (const part of ['iterRange', 'accuInit', 'loopCondition', 'loopStep', 'result'] as const) {
        const inner = value[part];
        if (inner !== undefined) value[part] = strictPresence(inner);
      }
      const { loopCondition, loopStep } = value;
      if (loopCondition !== undefined && loopStep !== undefined)
        value.loopCondition = { ...loopCondition, exprKind: turnCall(loopCondition, loopStep) };
      return { ...expr, exprKind: { ...exprKind, value } };
    }
    default:
      return expr;
  }
}

/** `fromRequest(x)` as a function of `origins` and x: the engine's functions see no variables. */
function flowCall(call: Node<'callExpr'>, root: string): Node<'callExpr'> {
  const variable = parse(root).expr;
  return { ...call, function: flowFunctionOf(call.function), args: [variable, ...call.args] };
}

/** Takes steps for each turn of a macro, by the size of what is evaluated in it: a caller chooses how many turns there are. */
function turnCall(condition: Expr, step: Expr): Expr['exprKind'] {
  const cost = parse(String(1 + (sizeOf(step) >>> 4))).expr;
  const value: Node<'callExpr'> = {
    $typeName: 'cel.expr.Expr.Call',
    function: turnFunction,
    args: [condition, cost],
  };
  return { case: 'callExpr', value };
}

function sizeOf(expr: Expr): number {
  return childrenOf(expr).reduce((size, child) => size + sizeOf(child), 1);
}

function presenceCall(operand: Expr, field: string): Node<'callExpr'> {
  // A field's name has no character that a string literal would escape.
  const name = parse(`"${field}"`).expr;
  return { $typeName: 'cel.expr.Expr.Call', function: hasFunction, args: [operand, name] };
}
