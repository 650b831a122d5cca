import type { Expr } from '../cel/syntax.ts';

/** What a condition compares with when it is written out. Integers and doubles are numbers alike, as CEL compares them. */
export type Literal = string | boolean | null | number | bigint;

/** The value of a literal, `-1` among them; undefined for anything else. */
export function literalOf({ exprKind }: Expr): Literal | undefined {
  if (exprKind.case !== 'constExpr') return undefined;
  const constant = exprKind.value.constantKind;
  switch (constant.case) {
    case 'stringValue':
    case 'boolValue':
    case 'doubleValue':
    case 'int64Value':
    case 'uint64Value':
      return constant.value;
    case 'nullValue':
      return null;
    default:
      return undefined;
  }
}

export function isNumeric(literal: Literal | undefined): literal is number | bigint {
  return typeof literal === 'number' || typeof literal === 'bigint';
}

/** As CEL has it: `1` and `1.0` are equal, and a large integer is equal to no double that only rounds to it. */
export function sameLiteral(left: Literal, right: Literal): boolean {
  if (isNumeric(left) && isNumeric(right)) return !(left < right) && !(left > right);
  return left === right;
}
