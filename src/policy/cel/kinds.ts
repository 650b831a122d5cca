import type { Scalar, Shape } from '../shapes.ts';

/** Questions about shapes. `json`, `any` and `never` fit everything: only what is known to fail is refused at load. */

export function isOpen(shape: Shape): boolean {
  return shape === 'json' || shape === 'any' || shape === 'never';
}

export function fits(shape: Shape, ...scalars: readonly Scalar[]): boolean {
  return isOpen(shape) || (typeof shape === 'string' && scalars.includes(shape));
}

export function isNumber(shape: Shape): boolean {
  return shape === 'int' || shape === 'uint' || shape === 'double';
}

/** Whether values of the two shapes can ever be equal (CEL compares all numbers with each other). */
export function canBeEqual(left: Shape, right: Shape): boolean {
  if (isOpen(left) || isOpen(right)) return true;
  if (isNumber(left) && isNumber(right)) return true;
  if (typeof left === 'string' || typeof right === 'string') return left === right;
  if (left.kind === 'list' || right.kind === 'list') {
    return left.kind === 'list' && right.kind === 'list' && canBeEqual(left.of, right.of);
  }
  return true;
}

/** What is known of a value that is one or the other. */
export function join(left: Shape, right: Shape): Shape {
  if (left === 'never') return right;
  if (right === 'never' || left === right) return left;
  if (
    typeof left !== 'string' &&
    typeof right !== 'string' &&
    left.kind === 'list' &&
    right.kind === 'list'
  ) {
    return { kind: 'list', of: join(left.of, right.of) };
  }
  return 'any';
}

const scalarNames: Readonly<Record<Scalar, string>> = {
  bool: 'a boolean',
  int: 'an integer',
  uint: 'an unsigned integer',
  double: 'a double',
  string: 'a string',
  bytes: 'bytes',
  null: 'null',
  timestamp: 'a timestamp',
  duration: 'a duration',
  type: 'a type',
  json: 'a JSON value',
  any: 'a value',
  never: 'a value',
};

/** `a string`, `a list`, `human`: for a sentence. */
export function nameOf(shape: Shape): string {
  if (typeof shape === 'string') return scalarNames[shape];
  return shape.kind === 'record' ? shape.name : `a ${shape.kind}`;
}
