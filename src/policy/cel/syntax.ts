import { parse } from '@bufbuild/cel';
import { limits } from '../limits.ts';
import { bracketDepth } from './scan.ts';

type Parsed = ReturnType<typeof parse>;
export type Expr = Parsed['expr'];
export type Node<Case extends string> = Extract<Expr['exprKind'], { case: Case }>['value'];

/** Why a condition is refused at load; `offset` is in UTF-16 units of the condition. */
export class ConditionError extends Error {
  readonly offset: number;

  constructor(message: string, offset: number) {
    super(message);
    this.offset = offset;
  }
}

export interface Syntax {
  readonly expr: Expr;
  /** Where a node starts, in UTF-16 units of the source. */
  offsetOf(expr: Expr): number;
}

/** Source → syntax tree within the limits; throws `ConditionError`. */
export function parseCondition(source: string): Syntax {
  if (source.length > limits.conditionLength) {
    throw new ConditionError(
      `the condition is longer than ${limits.conditionLength} characters; split it into several rules`,
      0,
    );
  }
  if (bracketDepth(source) > limits.conditionBrackets) {
    throw new ConditionError(
      `the condition nests more than ${limits.conditionBrackets} brackets; split it into several rules`,
      0,
    );
  }
  const parsed = parseSource(source);
  const positions = parsed.sourceInfo?.positions ?? {};
  const syntax: Syntax = {
    expr: parsed.expr,
    offsetOf: (expr) => positions[expr.id.toString()] ?? 0,
  };
  checkSize(syntax);
  return syntax;
}

function parseSource(source: string): Parsed {
  try {
    return parse(source);
  } catch (thrown) {
    const { message, offset } = describe(thrown);
    throw new ConditionError(message, offset);
  }
}

/** The parser's own sentence lists every token it would have taken; only what it found and where is kept. */
function describe(thrown: unknown): { message: string; offset: number } {
  if (thrown instanceof RangeError) return { message: 'the condition is too deep; split it', offset: 0 };
  const text = thrown instanceof Error ? thrown.message : '';
  const location = (thrown as { location?: { start?: { offset?: unknown } } }).location;
  const offset = typeof location?.start?.offset === 'number' ? location.start.offset : 0;
  const found = /: found (.+?) but expecting/su.exec(text)?.[1];
  if (found !== undefined) return { message: `the condition is not valid CEL: unexpected ${found}`, offset };
  const reason = text.replace(/^<input>:[0-9:]+ /, '');
  return {
    message: `the condition is not valid CEL: ${reason === '' ? 'it cannot be parsed' : reason}`,
    offset,
  };
}

/** Deeper or larger trees are refused before anything recurses on them. */
function checkSize(syntax: Syntax): void {
  const pending: [Expr, number][] = [[syntax.expr, 1]];
  let nodes = 0;
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const [expr, depth] = next;
    if (++nodes > limits.conditionNodes || depth > limits.conditionDepth) {
      throw new ConditionError(
        'the condition is too large; split it into several rules',
        syntax.offsetOf(expr),
      );
    }
    for (const child of childrenOf(expr)) pending.push([child, depth + 1]);
  }
}

/** The direct subexpressions, in source order; a macro's expansion for comprehensions. */
export function childrenOf(expr: Expr): Expr[] {
  const { exprKind } = expr;
  switch (exprKind.case) {
    case 'selectExpr':
      return present(exprKind.value.operand);
    case 'callExpr':
      return present(exprKind.value.target, ...exprKind.value.args);
    case 'listExpr':
      return exprKind.value.elements;
    case 'structExpr':
      return exprKind.value.entries.flatMap(({ keyKind, value }) =>
        present(keyKind.case === 'mapKey' ? keyKind.value : undefined, value),
      );
    case 'comprehensionExpr': {
      const { iterRange, accuInit, loopCondition, loopStep, result } = exprKind.value;
      return present(iterRange, accuInit, loopCondition, loopStep, result);
    }
    default:
      return [];
  }
}

function present(...exprs: (Expr | undefined)[]): Expr[] {
  return exprs.filter((expr) => expr !== undefined);
}
