import type { Shape } from '../shapes.ts';
import { canBeEqual, fits, isNumber, isOpen, join, nameOf } from './kinds.ts';

/** The shape of an operator's result, or the sentence that says why it can only fail. */
export type Judged = { readonly shape: Shape } | { readonly refused: string };

type Operator = (operands: readonly Shape[]) => Judged;

const bool: Judged = { shape: 'bool' };

function refused(sentence: string): Judged {
  return { refused: sentence };
}

function logical(sign: string): Operator {
  return (operands) => {
    const wrong = operands.find((operand) => !fits(operand, 'bool'));
    return wrong === undefined ? bool : refused(`${sign} takes booleans, and this is ${nameOf(wrong)}`);
  };
}

function conditional([condition = 'any', yes = 'any', no = 'any']: readonly Shape[]): Judged {
  if (!fits(condition, 'bool')) return refused(`?: chooses by a boolean, and this is ${nameOf(condition)}`);
  return { shape: join(yes, no) };
}

/** A comparison that can never hold makes a deny rule that never denies. */
function equality([left = 'any', right = 'any']: readonly Shape[]): Judged {
  if (canBeEqual(left, right)) return bool;
  return refused(`${nameOf(left)} and ${nameOf(right)} are never equal`);
}

function ordering([left = 'any', right = 'any']: readonly Shape[]): Judged {
  for (const side of [left, right]) {
    if (!fits(side, 'int', 'uint', 'double', 'string', 'bytes', 'bool', 'timestamp', 'duration')) {
      return refused(`${nameOf(side)} has no order`);
    }
  }
  if (canBeEqual(left, right)) return bool;
  return refused(`${nameOf(left)} cannot be compared with ${nameOf(right)}`);
}

function membership([element = 'any', container = 'any']: readonly Shape[]): Judged {
  if (isOpen(container)) return bool;
  if (typeof container === 'string')
    return refused(`in takes a list or a map, and this is ${nameOf(container)}`);
  if (container.kind === 'list' && !canBeEqual(element, container.of)) {
    return refused(`${nameOf(element)} is never in a list of which each element is ${nameOf(container.of)}`);
  }
  if (container.kind === 'record' && !fits(element, 'string')) {
    return refused(`the names of fields are strings, and this is ${nameOf(element)}`);
  }
  return bool;
}

/** JSON numbers are doubles, and CEL adds only like to like: `args.n + 1` is an error whenever it is evaluated. */
const mixedNumbers =
  'numbers of JSON are doubles, which CEL does not mix with integers: write 1.0 for 1, or double(…)';

function alwaysAnError(sign: string, left: Shape, right: Shape): Judged {
  return refused(`${nameOf(left)} ${sign} ${nameOf(right)} is always an error`);
}

/** Two operands each of which may be a number, or undefined when one is not. */
function numeric(left: Shape, right: Shape): Judged | undefined {
  if (![left, right].every((side) => isNumber(side) || side === 'json')) return undefined;
  if (left === right) return { shape: left };
  const integral = [left, right].some((side) => side === 'int' || side === 'uint');
  return integral ? refused(mixedNumbers) : { shape: 'json' };
}

function product(sign: string): Operator {
  return ([left = 'any', right = 'any']) => {
    if (!fits(left, 'int', 'uint', 'double') || !fits(right, 'int', 'uint', 'double')) {
      return alwaysAnError(sign, left, right);
    }
    return numeric(left, right) ?? { shape: 'any' };
  };
}

function remainder([left = 'any', right = 'any']: readonly Shape[]): Judged {
  if ([left, right].some((side) => side === 'json' || side === 'double')) {
    return refused('% takes integers, and numbers of JSON are doubles: write int(…) % 2');
  }
  return product('%')([left, right]);
}

function difference([left = 'any', right = 'any']: readonly Shape[]): Judged {
  const known = numeric(left, right);
  if (known !== undefined) return known;
  if (left === 'any' || right === 'any') return { shape: 'any' };
  if (left === 'timestamp' && right === 'timestamp') return { shape: 'duration' };
  if (right === 'duration' && isTime(left)) return { shape: left };
  return alwaysAnError('-', left, right);
}

function sum([left = 'any', right = 'any']: readonly Shape[]): Judged {
  const known = numeric(left, right);
  if (known !== undefined) return known;
  if (left === 'any' || right === 'any') return { shape: 'any' };
  if (left === 'duration' && right === 'timestamp') return { shape: right };
  if (right === 'duration' && isTime(left)) return { shape: left };
  for (const kind of ['string', 'bytes'] as const) {
    if (fits(left, kind) && fits(right, kind)) return { shape: kind };
  }
  if (isList(left) && isList(right)) return { shape: join(asList(left), asList(right)) };
  return alwaysAnError('+', left, right);
}

function isTime(shape: Shape): boolean {
  return shape === 'timestamp' || shape === 'duration';
}

function isList(shape: Shape): boolean {
  return isOpen(shape) || (typeof shape !== 'string' && shape.kind === 'list');
}

function asList(shape: Shape): Shape {
  return isOpen(shape) ? { kind: 'list', of: 'any' } : shape;
}

function negation([operand = 'any']: readonly Shape[]): Judged {
  if (fits(operand, 'int', 'double')) return { shape: operand };
  return refused(`${nameOf(operand)} has no negative`);
}

/** CEL's operators by the names that its syntax tree gives them. Indexing is the lint's own business. */
export const operators: ReadonlyMap<string, Operator> = new Map<string, Operator>([
  ['_&&_', logical('&&')],
  ['_||_', logical('||')],
  ['!_', logical('!')],
  // A macro's test of its accumulator: true for anything but false.
  ['@not_strictly_false', () => bool],
  ['_?_:_', conditional],
  ['_==_', equality],
  ['_!=_', equality],
  ['_<_', ordering],
  ['_<=_', ordering],
  ['_>_', ordering],
  ['_>=_', ordering],
  ['@in', membership],
  ['_+_', sum],
  ['_-_', difference],
  ['_*_', product('*')],
  ['_/_', product('/')],
  ['_%_', remainder],
  ['-_', negation],
]);
