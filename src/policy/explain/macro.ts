import type { Expr, Node } from '../cel/syntax.ts';

/** An expanded macro as it was written. */
export interface Macro {
  readonly name: 'all' | 'exists' | 'exists_one' | 'map' | 'filter';
  readonly range: Expr;
  readonly variable: string;
  /** What is asked of each element, or what each is turned into. */
  readonly body: Expr;
  /** Of a `map` with three arguments, what is asked of each element first. */
  readonly filter?: Expr;
}

/** What the parser made of a macro, read back; undefined for anything else. */
export function macroOf({ iterVar, iterRange, loopStep }: Node<'comprehensionExpr'>): Macro | undefined {
  const step = callOf(loopStep);
  if (iterRange === undefined || step === undefined) return undefined;
  const at = { range: iterRange, variable: iterVar };
  const [first, second] = step.args;
  switch (step.function) {
    case '_&&_':
      return second && { ...at, name: 'all', body: second };
    case '_||_':
      return second && { ...at, name: 'exists', body: second };
    case '_+_':
      return mapped(at, second, undefined);
    case '_?_:_':
      return first && second && chosen(at, first, second);
    default:
      return undefined;
  }
}

type Where = Pick<Macro, 'range' | 'variable'>;

/** `filter ? result + … : result` */
function chosen(at: Where, filter: Expr, grown: Expr): Macro | undefined {
  const added = callOf(grown)?.args[1];
  if (added === undefined) return undefined;
  return added.exprKind.case === 'listExpr'
    ? mapped(at, added, filter)
    : { ...at, name: 'exists_one', body: filter };
}

function mapped(at: Where, list: Expr | undefined, filter: Expr | undefined): Macro | undefined {
  const [element] = list?.exprKind.case === 'listExpr' ? list.exprKind.value.elements : [];
  if (element === undefined) return undefined;
  const isItself = element.exprKind.case === 'identExpr' && element.exprKind.value.name === at.variable;
  if (filter === undefined) return { ...at, name: 'map', body: element };
  return isItself ? { ...at, name: 'filter', body: filter } : { ...at, name: 'map', body: element, filter };
}

function callOf(expr: Expr | undefined): Node<'callExpr'> | undefined {
  return expr?.exprKind.case === 'callExpr' ? expr.exprKind.value : undefined;
}
