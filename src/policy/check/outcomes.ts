import { refillMeter } from '../cel/meter.ts';
import { compileProgram } from '../cel/program.ts';
import { childrenOf, type Expr, type Node } from '../cel/syntax.ts';
import { canAllHold } from './demands.ts';
import { textOf } from './expression-text.ts';
import { impliedBy } from './implied.ts';
import { literalOf, type Literal } from './literal.ts';

/** Fields of which all values are known. */
const domains: ReadonlyMap<string, readonly Literal[]> = new Map([
  ['agent."binding"', ['mtls', 'dpop', 'none']],
  ['human."binding"', ['mtls', 'dpop', 'none']],
  ['session."mode"', ['same-user', 'isolated']],
]);

/**
 * Whether some call can make the expression come out as `wanted`. False is certain; true is what is said of everything that is
 * not understood. That a call can make it an error is left out: an error is neither.
 */
export function canBe(expr: Expr, wanted: boolean): boolean {
  const known = answers.get(expr) ?? new Map<boolean, boolean>();
  answers.set(expr, known);
  const answer = known.get(wanted) ?? judge(expr, wanted);
  known.set(wanted, answer);
  return answer;
}

/** Each part is judged once: `?:` asks about both outcomes of its condition, which would double the work at each depth. */
const answers = new WeakMap<Expr, Map<boolean, boolean>>();

function judge(expr: Expr, wanted: boolean): boolean {
  const { exprKind } = expr;
  const literal = literalOf(expr);
  if (literal !== undefined) return literal === wanted;
  if (exprKind.case === 'comprehensionExpr')
    return isClosed(expr) ? answerOf(expr) === wanted : canFold(exprKind.value, wanted);
  if (exprKind.case !== 'callExpr') return true;
  const { function: name, args } = exprKind.value;
  switch (name) {
    case '!_':
      return args.every((one) => canBe(one, !wanted));
    case '_&&_':
    case '_||_':
      return (name === '_&&_') === wanted
        ? args.every((one) => canBe(one, wanted)) && canAllHold(impliedBy(expr, wanted), domains)
        : args.some((one) => canBe(one, wanted));
    case '_?_:_':
      return canChoose(args, wanted);
    default:
      return isClosed(expr) ? answerOf(expr) === wanted : canAllHold(impliedBy(expr, wanted), domains);
  }
}

/** Whether it can only be an error: nothing of a call is read, and there is no answer. */
export function onlyFails(expr: Expr): boolean {
  return isClosed(expr) && typeof answerOf(expr) !== 'boolean';
}

function canChoose([condition, yes, no]: readonly Expr[], wanted: boolean): boolean {
  if (condition === undefined || yes === undefined || no === undefined) return true;
  return (canBe(condition, true) && canBe(yes, wanted)) || (canBe(condition, false) && canBe(no, wanted));
}

/** `exists` is true only with an element of which its test is, `all` false only with one of which it is not. */
function canFold(macro: Node<'comprehensionExpr'>, wanted: boolean): boolean {
  const test = testOf(macro);
  return test === undefined || test.decides !== wanted || canBe(test.expr, wanted);
}

interface MacroTest {
  readonly expr: Expr;
  /** What one element alone can make of the whole: `exists` true, `all` false; absent for `filter` and its like. */
  readonly decides?: boolean;
}

/** The test that a macro asks of each element. */
export function testOf({ loopStep }: Node<'comprehensionExpr'>): MacroTest | undefined {
  if (loopStep?.exprKind.case !== 'callExpr') return undefined;
  const { function: name, args } = loopStep.exprKind.value;
  const [first, second] = args;
  if (name === '_?_:_' && first !== undefined) return { expr: first };
  if ((name !== '_||_' && name !== '_&&_') || first === undefined || second === undefined) return undefined;
  return textOf(first) === '@result' ? { expr: second, decides: name === '_||_' } : undefined;
}

const functionsOfCalls: ReadonlySet<string> = new Set(['fromRequest', 'fromTrusted', 'fromTool', 'called']);
const typeNames = /^(?:bool|bytes|double|int|list|map|null_type|string|type|uint)$/;

/** Whether the expression reads nothing of a call. */
function isClosed(expr: Expr, bound: ReadonlySet<string> = new Set()): boolean {
  const { exprKind } = expr;
  if (exprKind.case === 'identExpr')
    return bound.has(exprKind.value.name) || typeNames.test(exprKind.value.name);
  if (exprKind.case === 'callExpr' && functionsOfCalls.has(exprKind.value.function)) return false;
  if (exprKind.case === 'comprehensionExpr') {
    const { iterVar, accuVar } = exprKind.value;
    bound = new Set([...bound, iterVar, accuVar]);
  }
  return childrenOf(expr).every((child) => isClosed(child, bound));
}

function answerOf(expr: Expr): unknown {
  refillMeter();
  return compileProgram(expr)({});
}
