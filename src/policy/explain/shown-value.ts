import { isCelList, isCelMap, isCelType, isCelUint } from '@bufbuild/cel';
import type { Json } from '../../call/json.ts';
import { refillMeter } from '../cel/meter.ts';
import type { CelValue } from '../cel/values.ts';

/** A value of an expression as JSON. `kind` is there where the JSON alone does not tell it. */
export interface ShownValue {
  readonly value: Json;
  readonly kind?: 'int' | 'uint' | 'bytes' | 'type' | 'timestamp' | 'duration' | 'cut';
}

/** What a value reads as. Pure and total: one that is too large to be read whole within a decision's steps is cut. */
export function shownValue(value: CelValue): ShownValue {
  refillMeter();
  try {
    return scalarOf(value) ?? { value: containerOf(value) };
  } catch {
    return { value: isCelList(value) ? `a list of ${value.size}` : 'a large value', kind: 'cut' };
  }
}

function scalarOf(value: CelValue): ShownValue | undefined {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return { value };
  if (typeof value === 'number') return { value: Number.isFinite(value) ? value : String(value) };
  if (typeof value === 'bigint') return { value: exact(value), kind: 'int' };
  if (isCelUint(value)) return { value: exact(value.value), kind: 'uint' };
  if (value instanceof Uint8Array) return { value: [...value], kind: 'bytes' };
  if (isCelType(value)) return { value: value.name, kind: 'type' };
  if (isCelList(value) || isCelMap(value)) return undefined;
  return timeOf(value);
}

/** A number of JSON where it is exact, its digits otherwise. */
function exact(integer: bigint): Json {
  return Number.isSafeInteger(Number(integer)) ? Number(integer) : integer.toString();
}

function containerOf(value: CelValue): Json {
  if (isCelList(value)) return [...value.values()].map((element) => shownWithin(element));
  if (!isCelMap(value)) return null;
  const shown: Record<string, Json> = {};
  for (const [key, element] of value.entries())
    Object.defineProperty(shown, String(isCelUint(key) ? key.value : key), {
      value: shownWithin(element),
      ...ownMember,
    });
  return shown;
}

/** Set so that a key named `__proto__` is a member like any other. */
const ownMember = { enumerable: true, configurable: true, writable: true } as const;

function shownWithin(value: CelValue): Json {
  return (scalarOf(value) ?? { value: containerOf(value) }).value;
}

interface Seconds {
  readonly message?: { readonly $typeName?: string; readonly seconds?: bigint; readonly nanos?: number };
}

function timeOf(value: unknown): ShownValue {
  const { $typeName, seconds = 0n, nanos = 0 } = (value as Seconds).message ?? {};
  if ($typeName === 'google.protobuf.Timestamp') {
    const milliseconds = Number(seconds) * 1_000 + Math.floor(nanos / 1_000_000);
    return { value: new Date(milliseconds).toISOString(), kind: 'timestamp' };
  }
  if ($typeName === 'google.protobuf.Duration')
    return { value: `${Number(seconds) + nanos / 1e9}s`, kind: 'duration' };
  return { value: 'a value that cannot be shown', kind: 'cut' };
}
