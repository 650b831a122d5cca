import type { Expr } from '../cel/syntax.ts';
import type { CheckedCondition, CheckedRule } from './checked-rule.ts';
import { literalOf } from './literal.ts';
import { canBe, onlyFails, testOf } from './outcomes.ts';
import type { Warning } from './warning.ts';

/** Conditions, and parts of them, that come out alike whatever the call is. */
export function constantConditions(rules: readonly CheckedRule[]): Warning[] {
  return rules.flatMap(({ rule, condition }) =>
    condition === undefined
      ? []
      : constantParts(condition.expr).map((found) => warn(rule.id, condition, found)),
  );
}

type ConstantKind = 'never-true' | 'always-true' | 'always-fails';

interface Constant {
  readonly expr: Expr;
  readonly kind: ConstantKind;
}

/** The largest parts that are constant, so that one mistake is said once. */
function constantParts(expr: Expr): Constant[] {
  if (onlyFails(expr)) return [{ expr, kind: 'always-fails' }];
  if (!canBe(expr, true)) return [{ expr, kind: 'never-true' }];
  if (!canBe(expr, false)) return [{ expr, kind: 'always-true' }];
  return partsOf(expr).flatMap(constantParts);
}

/** The parts that are conditions themselves. A literal that `?:` chooses is meant. */
function partsOf({ exprKind }: Expr): readonly Expr[] {
  if (exprKind.case === 'comprehensionExpr') {
    const test = testOf(exprKind.value);
    return test === undefined || isBoundToMacro(test.expr) ? [] : [test.expr];
  }
  if (exprKind.case !== 'callExpr') return [];
  const { function: name, args } = exprKind.value;
  if (name === '_?_:_') return args.filter((one) => literalOf(one) === undefined && isCondition(one));
  return name === '_&&_' || name === '_||_' || name === '!_' ? args : [];
}

/** `map` without a filter steps by no test of its author's. */
function isBoundToMacro({ exprKind }: Expr): boolean {
  return exprKind.case === 'identExpr' && exprKind.value.name === '@result';
}

const conditions =
  /^(?:_&&_|_\|\|_|!_|_==_|_!=_|_<_|_<=_|_>_|_>=_|@in|startsWith|endsWith|contains|matches)$/;

/** What `?:` chooses may be a value of any kind. */
function isCondition({ exprKind }: Expr): boolean {
  return exprKind.case === 'callExpr' && conditions.test(exprKind.value.function);
}

const sentences: Readonly<Record<ConstantKind, string>> = {
  'never-true': 'can be true for no call',
  'always-true': 'can be false for no call',
  'always-fails': 'is an error for every call that it is asked of',
};

function warn(rule: string, condition: CheckedCondition, { expr, kind }: Constant): Warning {
  const isWhole = expr === condition.expr;
  const what = isWhole ? 'the condition' : 'this part of the condition';
  return {
    kind,
    rule,
    place: isWhole ? condition.place : condition.placeOf(expr),
    sentence: `${what} of the rule ${rule} ${sentences[kind]}`,
  };
}
