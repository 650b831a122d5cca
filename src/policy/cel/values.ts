import { isCelList, isCelMap, type CelList, type CelMap } from '@bufbuild/cel';
import type { Json } from '../../call/json.ts';
import { charge } from './meter.ts';

/** What an expression computes with. */
export type CelValue = Exclude<ReturnType<CelList['get']>, undefined>;

/**
 * JSON as CEL values that resolve own properties only and convert on reading. The engine's own conversion takes an
 * object with `$typeName` for a protobuf message (`{"$typeName":"google.protobuf.StringValue","value":"/safe"}` would
 * pass `startsWith`) and has no key whose value is null. The marks that make a class a map or a list to the engine
 * are not documented: its version is pinned, and `test/policy/cel-hostile.test.ts` holds each of these facts.
 */
const mapMark = Symbol.for('@bufbuild/cel/map');
const listMark = Symbol.for('@bufbuild/cel/list');

/** Wraps one JSON value; throws for what JSON cannot say (undefined, bigint, NaN, class instances). */
export function wrapJson(value: unknown): CelValue {
  switch (typeof value) {
    case 'string':
      charge(1 + (value.length >>> 8));
      return value;
    case 'boolean':
      charge(1);
      return value;
    case 'number':
      charge(1);
      if (!Number.isFinite(value)) throw new TypeError('not a JSON number');
      return value;
    case 'object':
      charge(1);
      if (value === null) return null;
      if (Array.isArray(value)) return asCelList(new JsonList(value));
      if (isPlainObject(value)) return asCelMap(new JsonMap(value));
      throw new TypeError('not a JSON object');
    default:
      throw new TypeError('not a JSON value');
  }
}

function isPlainObject(value: object): value is Record<string, unknown> {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || prototype === Object.prototype;
}

/** A value as JSON: integers as numbers that are exact. Undefined for what JSON does not have. */
export function jsonOf(value: CelValue): Json | undefined {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return value;
  if (typeof value === 'number') return Number.isFinite(value) ? value : undefined;
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : undefined;
  if (isCelList(value)) return allOf([...value.values()].map(jsonOf));
  if (!isCelMap(value)) return undefined;
  const entries = [...value.entries()].map(([key, one]) => [key, jsonOf(one)] as const);
  if (entries.some(([key, one]) => typeof key !== 'string' || one === undefined)) return undefined;
  return Object.fromEntries(entries) as Json;
}

function allOf(values: readonly (Json | undefined)[]): Json | undefined {
  return values.includes(undefined) ? undefined : (values as Json[]);
}

class JsonMap {
  readonly [mapMark] = {};
  readonly #object: Record<string, unknown>;
  #keys: readonly string[] | undefined;

  constructor(object: Record<string, unknown>) {
    this.#object = object;
  }

  #ownKeys(): readonly string[] {
    return (this.#keys ??= Object.keys(this.#object).filter((key) => this.#object[key] !== undefined));
  }

  get size(): number {
    return this.#ownKeys().length;
  }

  get(key: unknown): CelValue | undefined {
    if (typeof key !== 'string' || !Object.hasOwn(this.#object, key)) return undefined;
    const value = this.#object[key];
    return value === undefined ? undefined : wrapJson(value);
  }

  has(key: unknown): boolean {
    return typeof key === 'string' && Object.hasOwn(this.#object, key) && this.#object[key] !== undefined;
  }

  *keys(): Generator<string, undefined> {
    for (const key of this.#ownKeys()) {
      charge(1 + (key.length >>> 8));
      yield key;
    }
    return undefined;
  }

  *entries(): Generator<[string, CelValue], undefined> {
    for (const key of this.keys()) yield [key, wrapJson(this.#object[key])];
    return undefined;
  }

  *values(): Generator<CelValue, undefined> {
    for (const [, value] of this.entries()) yield value;
    return undefined;
  }

  [Symbol.iterator](): Generator<[string, CelValue], undefined> {
    return this.entries();
  }

  forEach(callback: (value: CelValue, key: string, map: JsonMap) => void): void {
    for (const [key, value] of this) callback(value, key, this);
  }
}

class JsonList {
  readonly [listMark] = {};
  readonly #array: readonly unknown[];

  constructor(array: readonly unknown[]) {
    this.#array = array;
  }

  get size(): number {
    return this.#array.length;
  }

  get(index: number): CelValue | undefined {
    return isIndex(index, this.size) ? wrapJson(this.#array[index]) : undefined;
  }

  *values(): Generator<CelValue, undefined> {
    for (const element of this.#array) yield wrapJson(element);
    return undefined;
  }

  [Symbol.iterator](): Generator<CelValue, undefined> {
    return this.values();
  }
}

/**
 * A list built by `+`, which is how the engine's `map` and `filter` append: views of one growing array, so that n
 * appends cost n. The engine's own concatenation nests n lists, which is quadratic and overflows the stack.
 */
class GrownList {
  readonly [listMark] = {};
  readonly #shared: CelValue[];
  readonly size: number;

  constructor(shared: CelValue[], size: number) {
    this.#shared = shared;
    this.size = size;
  }

  get(index: number): CelValue | undefined {
    charge(1);
    return isIndex(index, this.size) ? this.#shared[index] : undefined;
  }

  *values(): Generator<CelValue, undefined> {
    for (let index = 0; index < this.size; index++) {
      charge(1);
      yield this.#shared[index] as CelValue;
    }
    return undefined;
  }

  [Symbol.iterator](): Generator<CelValue, undefined> {
    return this.values();
  }

  /** Only the longest view of an array may grow it; any other copies. */
  append(elements: Iterable<CelValue>): GrownList {
    const shared = this.#shared.length === this.size ? this.#shared : [...this.values()];
    for (const element of elements) shared.push(element);
    return new GrownList(shared, shared.length);
  }
}

/** The two lists in order. */
export function concatenate(left: CelList, right: CelList): CelList {
  const grown: unknown = left;
  const list =
    grown instanceof GrownList ? grown.append(right) : new GrownList([], 0).append(left).append(right);
  return asCelList(list);
}

function isIndex(index: number, size: number): boolean {
  return Number.isInteger(index) && index >= 0 && index < size;
}

function asCelMap(map: JsonMap): CelMap {
  if (!isCelMap(map)) throw new TypeError('the engine no longer knows its maps');
  return map;
}

function asCelList(list: JsonList | GrownList): CelList {
  if (!isCelList(list)) throw new TypeError('the engine no longer knows its lists');
  return list;
}
