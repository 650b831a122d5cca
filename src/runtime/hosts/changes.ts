import { isDeepStrictEqual } from 'node:util';

export type Path = readonly (string | number)[];

/** One step from a parsed configuration to another one. */
export type Change =
  /** `value` at `path`; what is undefined is taken away. */
  | { readonly kind: 'set'; readonly path: Path; readonly value: unknown }
  /** Further elements in front of those of the list at `path`. */
  | { readonly kind: 'prepend'; readonly path: Path; readonly items: readonly string[] }
  /** So many elements fewer in front. */
  | { readonly kind: 'drop'; readonly path: Path; readonly count: number };

/**
 * The smallest steps that lead from one to the other, so that what stands between, such as comments, can stay. None: both say the same.
 */
export function changesBetween(before: unknown, after: unknown, path: Path = []): readonly Change[] {
  if (isTable(before) && isTable(after)) {
    const keys = new Set([...Object.keys(before), ...Object.keys(after)]);
    return [...keys].flatMap((key) => changesBetween(own(before, key), own(after, key), [...path, key]));
  }
  if (Array.isArray(before) && Array.isArray(after)) return changesOfList(before, after, path);
  return isDeepStrictEqual(before, after) ? [] : [{ kind: 'set', path, value: after }];
}

function changesOfList(before: readonly unknown[], after: readonly unknown[], path: Path): readonly Change[] {
  const more = after.length - before.length;
  const same = (one: readonly unknown[], other: readonly unknown[]): boolean =>
    one.length === other.length && one.every((value, at) => changesBetween(value, other[at]).length === 0);
  if (same(before, after)) return [];
  if (before.length > 0 && more > 0 && same(before, after.slice(0, before.length)))
    return after
      .slice(before.length)
      .map((value, at) => ({ kind: 'set', path: [...path, before.length + at], value }));
  const front = after.slice(0, Math.max(more, 0));
  if (before.length > 0 && more > 0 && isTexts(front) && same(before, after.slice(more)))
    return [{ kind: 'prepend', path, items: front }];
  if (after.length > 0 && more < 0 && same(before.slice(-more), after))
    return [{ kind: 'drop', path, count: -more }];
  const gone = before.findIndex((_, at) => same(before.toSpliced(at, 1), after));
  return gone >= 0
    ? [{ kind: 'set', path: [...path, gone], value: undefined }]
    : [{ kind: 'set', path, value: after }];
}

/** The same with another value at `path`. What has to be on the way there is made. */
export function withValue(root: unknown, [key, ...rest]: readonly string[], value: unknown): unknown {
  if (key === undefined) return value;
  const table = isTable(root) ? root : {};
  if (value !== undefined || rest.length > 0)
    return { ...table, [key]: withValue(own(table, key), rest, value) };
  return Object.fromEntries(Object.entries(table).filter(([each]) => each !== key));
}

export function valueAt(root: unknown, path: Path): unknown {
  return path.reduce<unknown>(
    (value, key) =>
      Array.isArray(value) ? value[Number(key)] : isTable(value) ? own(value, String(key)) : undefined,
    root,
  );
}

function isTexts(values: readonly unknown[]): values is readonly string[] {
  return values.every((value) => typeof value === 'string');
}

/** Dates and the like are values. */
function isTable(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || prototype === Object.prototype;
}

function own(table: Record<string, unknown>, key: string): unknown {
  return Object.hasOwn(table, key) ? table[key] : undefined;
}
