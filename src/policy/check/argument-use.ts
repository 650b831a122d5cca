import { childrenOf, type Expr, type Node } from '../cel/syntax.ts';
import { stringLiteral } from './expression-text.ts';
import { isNumeric, literalOf, type Literal } from './literal.ts';
import { testOf } from './outcomes.ts';

/** One place where a condition reads an argument, or a field within one. */
export interface ArgumentUse {
  readonly path: readonly string[];
  readonly expr: Expr;
  /** `has(args.x)` and `"x" in args`: whether it is there is what is asked. */
  readonly asksPresence: boolean;
}

/** What an argument must be for a part of the condition to be more than false or an error. */
export interface ArgumentDemand {
  readonly path: readonly string[];
  readonly expr: Expr;
  /** JSON types, as JSON Schema names them without `integer`. */
  readonly types: readonly JsonType[];
  /** The text that it is compared with for equality. */
  readonly value?: string;
}

export type JsonType = 'string' | 'number' | 'boolean' | 'null' | 'array' | 'object';

/** Every read of `args` by names that are written out, the longest path of each. */
export function argumentUses(expr: Expr): ArgumentUse[] {
  const asked = presenceOf(expr);
  if (asked !== undefined) return [{ path: asked, expr, asksPresence: true }];
  const path = argumentPath(expr);
  if (path !== undefined) return path.length === 0 ? [] : [{ path, expr, asksPresence: false }];
  return childrenOf(expr).flatMap(argumentUses);
}

function presenceOf({ exprKind }: Expr): readonly string[] | undefined {
  if (exprKind.case === 'selectExpr' && exprKind.value.testOnly && exprKind.value.operand !== undefined) {
    const path = argumentPath(exprKind.value.operand);
    return path && [...path, exprKind.value.field];
  }
  if (exprKind.case !== 'callExpr' || exprKind.value.function !== '@in') return undefined;
  const [name, container] = exprKind.value.args;
  const field = name && stringLiteral(name);
  const path = container && argumentPath(container);
  // `"x" in args.to` is about an element of a list as well.
  return field !== undefined && path?.length === 0 ? [field] : undefined;
}

/** `["options", "force"]` of `args.options.force`, `[]` of `args`; undefined of what does not begin with `args`. */
function argumentPath({ exprKind }: Expr): readonly string[] | undefined {
  if (exprKind.case === 'identExpr') return exprKind.value.name === 'args' ? [] : undefined;
  if (exprKind.case === 'selectExpr') {
    const { operand, field, testOnly } = exprKind.value;
    const path = testOnly || operand === undefined ? undefined : argumentPath(operand);
    return path && [...path, field];
  }
  if (exprKind.case !== 'callExpr' || exprKind.value.function !== '_[_]') return undefined;
  const [container, index] = exprKind.value.args;
  const field = index && stringLiteral(index);
  const path = container && argumentPath(container);
  return field === undefined ? undefined : path && [...path, field];
}

/** What the parts of a condition want of arguments. */
export function argumentDemands(expr: Expr): ArgumentDemand[] {
  const { exprKind } = expr;
  const own =
    exprKind.case === 'callExpr'
      ? demandsOfCall(expr, exprKind.value)
      : exprKind.case === 'comprehensionExpr'
        ? demandsOfMacro(exprKind.value)
        : [];
  return [...own, ...childrenOf(expr).flatMap(argumentDemands)];
}

const textFunctions: ReadonlySet<string> = new Set(['startsWith', 'endsWith', 'contains', 'matches']);

function demandsOfCall(expr: Expr, { function: name, target, args }: Node<'callExpr'>): ArgumentDemand[] {
  if (target !== undefined && textFunctions.has(name)) return demand(target, target, ['string']);
  const [left, right] = args;
  if (left === undefined || right === undefined) return [];
  if (name === '@in') return listed(left, right);
  const [term, other] = literalOf(right) === undefined ? [right, left] : [left, right];
  const literal = literalOf(other);
  if (literal === undefined) return [];
  if (name === '_==_' || name === '_!=_') return equality(term, expr, literal);
  return /^_[<>]=?_$/.test(name) ? demand(term, expr, [typeOf(literal)]) : [];
}

/** A macro over an argument itself; one over what `map` or `filter` made of it is not about the argument. */
function demandsOfMacro(macro: Node<'comprehensionExpr'>): ArgumentDemand[] {
  const { iterRange } = macro;
  if (iterRange === undefined || testOf(macro) === undefined) return [];
  return demand(iterRange, iterRange, ['array', 'object']);
}

function listed(term: Expr, list: Expr): ArgumentDemand[] {
  if (list.exprKind.case !== 'listExpr') return demand(list, list, ['array', 'object']);
  return list.exprKind.value.elements.flatMap((element) => {
    const literal = literalOf(element);
    return literal === undefined ? [] : equality(term, element, literal);
  });
}

function equality(term: Expr, expr: Expr, literal: Literal): ArgumentDemand[] {
  const value = typeof literal === 'string' ? { value: literal } : {};
  return demand(term, expr, [typeOf(literal)]).map((one) => ({ ...one, ...value }));
}

function demand(term: Expr, expr: Expr, types: readonly JsonType[]): ArgumentDemand[] {
  const path = argumentPath(term);
  return path === undefined || path.length === 0 ? [] : [{ path, expr, types }];
}

function typeOf(literal: Literal): JsonType {
  if (literal === null) return 'null';
  if (isNumeric(literal)) return 'number';
  return typeof literal === 'string' ? 'string' : 'boolean';
}
