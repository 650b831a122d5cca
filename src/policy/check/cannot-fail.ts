import { childrenOf, type Expr } from '../cel/syntax.ts';
import { stringLiteral, textOf } from './expression-text.ts';
import { literalOf } from './literal.ts';

/** Fields that every call has, and of which kind they are. */
const always: ReadonlyMap<string, 'string' | 'bool'> = new Map([
  ['agent."id"', 'string'],
  ['agent."issuer"', 'string'],
  ['agent."binding"', 'string'],
  ['session."id"', 'string'],
  ['session."tenant"', 'string'],
  ['session."mode"', 'string'],
  ['tool."server"', 'string'],
  ['tool."name"', 'string'],
  ['tool."accepted"', 'bool'],
  ['tool."listed"', 'bool'],
]);

/**
 * Whether a condition is true or false for every call, never an error: as far as it only asks about what every call has. Two
 * rules are alike only if neither can fail, since an error of any rule denies.
 */
export function cannotFail(expr: Expr): boolean {
  return kindOf(expr) === 'bool';
}

type Kind = 'string' | 'bool' | undefined;

function kindOf(expr: Expr): Kind {
  const literal = literalOf(expr);
  if (typeof literal === 'string') return 'string';
  if (typeof literal === 'boolean') return 'bool';
  if (expr.exprKind.case === 'selectExpr') return always.get(textOf(expr));
  if (expr.exprKind.case !== 'callExpr') return undefined;
  const { function: name, target, args } = expr.exprKind.value;
  const kinds = childrenOf(expr).map(kindOf);
  const areAll = (kind: Kind): boolean => kinds.every((one) => one === kind);
  switch (name) {
    case '_&&_':
    case '_||_':
    case '!_':
      return areAll('bool') ? 'bool' : undefined;
    case '_==_':
    case '_!=_':
      return areAll('string') || areAll('bool') ? 'bool' : undefined;
    case 'startsWith':
    case 'endsWith':
    case 'contains':
      return target !== undefined && areAll('string') ? 'bool' : undefined;
    case '@in':
      return kindOfMembership(args);
    default:
      return undefined;
  }
}

function kindOfMembership([element, list]: readonly Expr[]): Kind {
  if (element === undefined || kindOf(element) !== 'string') return undefined;
  if (list?.exprKind.case !== 'listExpr') return undefined;
  return list.exprKind.value.elements.every((one) => stringLiteral(one) !== undefined) ? 'bool' : undefined;
}
