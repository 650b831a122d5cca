import { rootOfFlow } from '../cel/flow.ts';
import { absent, type Bindings } from '../cel/program.ts';
import type { Expr } from '../cel/syntax.ts';
import type { Explained, Why } from './explained.ts';

/** Functions that refuse some values of a kind that they take. */
const choosy: ReadonlySet<string> = new Set([
  ...['_+_', '_-_', '_*_', '_/_', '_%_', '-_'],
  ...['int', 'uint', 'double', 'bool', 'bytes', 'string', 'timestamp', 'duration'],
]);

/** Why an expression has no value, from those that it is made of. `found` is what the engine alone tells. */
export function whyOf({ exprKind }: Expr, found: Why, parts: readonly Explained[], bindings: Bindings): Why {
  if (found === 'steps') return 'steps';
  if (exprKind.case === 'identExpr') return bindings[exprKind.value.name] === absent ? 'absent' : 'kind';
  const inner = parts.find((part) => part.needed && 'error' in part) ?? parts.find((part) => 'error' in part);
  if (inner !== undefined && 'error' in inner) return inner.error;
  if (exprKind.case === 'selectExpr') return parts.every(isContainer) ? 'missing' : 'kind';
  if (exprKind.case !== 'callExpr') return 'kind';
  const { function: name } = exprKind.value;
  const root = rootOfFlow.get(name);
  if (root !== undefined && bindings[root] === absent) return 'absent';
  if (name === '_[_]') return parts.every(isContainer) ? 'missing' : 'kind';
  return choosy.has(name) ? 'value' : 'kind';
}

function isContainer(part: Explained): boolean {
  return 'value' in part && typeof part.value === 'object' && part.value !== null;
}
