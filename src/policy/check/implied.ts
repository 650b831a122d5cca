import type { Expr, Node } from '../cel/syntax.ts';
import type { Demand, OrderSign, TermDemand } from './demands.ts';
import { stringLiteral, textOf } from './expression-text.ts';
import { isNumeric, literalOf, type Literal } from './literal.ts';

/**
 * What must hold of single terms when the expression comes out as `wanted`. Never more than follows: what is not understood is
 * taken as a term of its own that is true or false.
 */
export function impliedBy(expr: Expr, wanted: boolean): readonly TermDemand[] {
  const call = expr.exprKind.case === 'callExpr' ? expr.exprKind.value : undefined;
  if (call === undefined) return [asWhole(expr, wanted)];
  const [left, right] = call.args;
  if (call.function === '!_' && left !== undefined) return impliedBy(left, !wanted);
  if (left === undefined) return [asWhole(expr, wanted)];
  if (call.function === (wanted ? '_&&_' : '_||_')) return call.args.flatMap((one) => impliedBy(one, wanted));
  // The other of the two says only that one of its sides holds.
  if (call.function === '_&&_' || call.function === '_||_') return [];
  const found = textDemand(call, wanted) ?? (right && comparison(call.function, left, right, wanted));
  return [found ?? asWhole(expr, wanted)];
}

function asWhole(expr: Expr, wanted: boolean): TermDemand {
  return { term: textOf(expr), demand: { kind: 'in', values: [wanted] } };
}

function comparison(name: string, left: Expr, right: Expr, wanted: boolean): TermDemand | undefined {
  if (name === '@in') return listed(left, right, wanted);
  const [term, value, mirrored] = literalOf(right) === undefined ? [right, left, true] : [left, right, false];
  const literal = literalOf(value);
  if (literal === undefined || !isPath(term)) return undefined;
  const demand = demandOf(name, literal, mirrored, wanted);
  return demand && { term: textOf(term), demand };
}

function listed(term: Expr, list: Expr, wanted: boolean): TermDemand | undefined {
  if (list.exprKind.case !== 'listExpr' || !isPath(term)) return undefined;
  const values = list.exprKind.value.elements.map(literalOf).filter((one) => one !== undefined);
  if (values.length < list.exprKind.value.elements.length) return undefined;
  return { term: textOf(term), demand: { kind: wanted ? 'in' : 'not-in', values } };
}

function demandOf(name: string, literal: Literal, mirrored: boolean, wanted: boolean): Demand | undefined {
  if (name === '_==_') return { kind: wanted ? 'in' : 'not-in', values: [literal] };
  if (name === '_!=_') return { kind: wanted ? 'not-in' : 'in', values: [literal] };
  const sign = signs.get(name);
  if (sign === undefined || !isNumeric(literal)) return undefined;
  const turned = mirrored ? mirror[sign] : sign;
  // No JSON number is NaN, so that what is not less is at least as large.
  return { kind: 'order', sign: wanted ? turned : opposite[turned], value: literal };
}

const signs: ReadonlyMap<string, OrderSign> = new Map([
  ['_<_', '<'],
  ['_<=_', '<='],
  ['_>_', '>'],
  ['_>=_', '>='],
]);
const mirror: Readonly<Record<OrderSign, OrderSign>> = { '<': '>', '<=': '>=', '>': '<', '>=': '<=' };
const opposite: Readonly<Record<OrderSign, OrderSign>> = { '<': '>=', '<=': '>', '>': '<=', '>=': '<' };

function textDemand(
  { function: name, target, args }: Node<'callExpr'>,
  holds: boolean,
): TermDemand | undefined {
  const kind = name === 'startsWith' ? 'prefix' : name === 'endsWith' ? 'suffix' : undefined;
  const text = args[0] === undefined ? undefined : stringLiteral(args[0]);
  if (kind === undefined || text === undefined || target === undefined || !isPath(target)) return undefined;
  return { term: textOf(target), demand: { kind, text, holds } };
}

/** A field of a variable, or a variable: what is read, never what is computed, which could be NaN. */
function isPath({ exprKind }: Expr): boolean {
  if (exprKind.case === 'identExpr') return true;
  if (exprKind.case === 'selectExpr') {
    const { operand, testOnly } = exprKind.value;
    return !testOnly && operand !== undefined && isPath(operand);
  }
  if (exprKind.case !== 'callExpr' || exprKind.value.function !== '_[_]') return false;
  const [container, index] = exprKind.value.args;
  return (
    container !== undefined && isPath(container) && index !== undefined && literalOf(index) !== undefined
  );
}
