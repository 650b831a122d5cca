import {
  celEnv,
  celFunc,
  celMethod,
  CelScalar,
  celType,
  celUint,
  isCelError,
  isCelMap,
  listType,
  mapType,
  parse,
  plan,
  type CelFunc,
  type CelInput,
} from '@bufbuild/cel';
import { charge } from './meter.ts';
import { calendarFields, localTime } from './time.ts';
import { concatenate, type CelValue } from './values.ts';

/**
 * What replaces the engine's own functions, and why: presence of null values, strict conversions, dates that do not
 * depend on the process, and work that is metered. Everything else is the engine's.
 */

const { BOOL, DOUBLE, DYN, INT, STRING, UINT } = CelScalar;
const LIST = listType(DYN);
const MAP = mapType(DYN, DYN);

/** What `has(e.f)` is rewritten to (`program.ts`); no source can spell it. */
export const hasFunction = '@has';

/** What the condition of each macro is wrapped in (`program.ts`). */
export const turnFunction = '@turn';

const unwrapped = celEnv();

/** A function of one argument as the engine itself implements it. */
function engineFunction(name: string): (argument: CelInput) => CelValue {
  const run = plan(unwrapped, parse(`${name}(x)`));
  return (argument) => {
    const result = run({ x: argument });
    if (isCelError(result)) throw new TypeError(`no ${name}`);
    return result;
  };
}

const engineTimestamp = engineFunction('timestamp');
const engineDuration = engineFunction('duration');

/** RFC 3339 to a CEL timestamp; throws for anything else. */
export function celTimestamp(text: string): CelValue {
  return engineTimestamp(text);
}

const TIMESTAMP = celType(engineTimestamp('1970-01-01T00:00:00Z'));

/** Presence is what the key says, also when the value is null; the engine's own maps say otherwise. */
function hasKey(map: CelValue, key: bigint | string | boolean | number): boolean {
  if (!isCelMap(map)) throw new TypeError('not a map');
  return map.get(key) !== undefined;
}

const presence: CelFunc[] = [
  celFunc(hasFunction, [DYN, STRING], BOOL, hasKey),
  celFunc('@in', [STRING, MAP], BOOL, (key, map) => hasKey(map, key)),
  celFunc('@in', [BOOL, MAP], BOOL, (key, map) => hasKey(map, key)),
  celFunc('@in', [INT, MAP], BOOL, (key, map) => hasKey(map, key)),
  celFunc('@in', [UINT, MAP], BOOL, (key, map) => hasKey(map, key.value)),
  celFunc('@in', [DOUBLE, MAP], BOOL, (key, map) => hasKey(map, key)),
];

function integer(text: string): bigint {
  if (!/^[+-]?[0-9]{1,20}$/.test(text)) throw new TypeError('not an integer');
  const value = BigInt(text.replace('+', ''));
  if (BigInt.asIntN(64, value) !== value) throw new RangeError('does not fit');
  return value;
}

function unsigned(text: string): ReturnType<typeof celUint> {
  if (!/^[0-9]{1,20}$/.test(text)) throw new TypeError('not an unsigned integer');
  const value = BigInt(text);
  if (BigInt.asUintN(64, value) !== value) throw new RangeError('does not fit');
  return celUint(value);
}

function double(text: string): number {
  if (!/^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$/.test(text)) throw new TypeError('not a number');
  charge(text.length >>> 8);
  return Number(text);
}

/**
 * The engine reads numbers with JavaScript's `BigInt` and `Number`: "" is 0, "0x1F" is 31, blanks are skipped. A tool
 * that reads decimal would run with another number than the one that was decided on.
 */
const conversions: CelFunc[] = [
  celFunc('int', [STRING], INT, integer),
  celFunc('uint', [STRING], UINT, unsigned),
  celFunc('double', [STRING], DOUBLE, double),
  celFunc('duration', [STRING], DYN, (text) => {
    if (!/[0-9]/.test(text.slice(0, 128))) throw new TypeError('not a duration');
    return engineDuration(text);
  }),
  // CEL counts seconds here; the engine, milliseconds.
  celFunc('timestamp', [INT], DYN, (seconds) => {
    return engineTimestamp(new Date(Number(seconds) * 1000).toISOString());
  }),
];

/** Substring search is quadratic when a caller chooses both strings. */
function chargeSearch(text: string, part: string): void {
  charge(1 + (text.length >>> 8) + Math.floor((text.length * part.length) / 65_536));
}

function sizeInCodePoints(text: string): bigint {
  charge(1 + (text.length >>> 6));
  let size = 0;
  for (let at = 0; at < text.length; at += (text.codePointAt(at) ?? 0) > 0xffff ? 2 : 1) size++;
  return BigInt(size);
}

const metered: CelFunc[] = [
  // Of any type, which the engine would look up at each turn.
  celFunc(turnFunction, [DYN, DYN], DYN, (goesOn, steps) => {
    charge(Number(steps));
    return goesOn;
  }),
  celFunc('_+_', [LIST, LIST], LIST, concatenate),
  celFunc('_+_', [STRING, STRING], STRING, (left, right) => {
    charge(1 + ((left.length + right.length) >>> 8));
    return left + right;
  }),
  celFunc('size', [STRING], INT, sizeInCodePoints),
  celMethod('size', STRING, [], INT, function () {
    return sizeInCodePoints(this);
  }),
  celMethod('contains', STRING, [STRING], BOOL, function (part) {
    chargeSearch(this, part);
    return this.includes(part);
  }),
  celMethod('startsWith', STRING, [STRING], BOOL, function (part) {
    charge(1 + (part.length >>> 8));
    return this.startsWith(part);
  }),
  celMethod('endsWith', STRING, [STRING], BOOL, function (part) {
    charge(1 + (part.length >>> 8));
    return this.endsWith(part);
  }),
];

interface Seconds {
  readonly message: { readonly seconds: bigint; readonly nanos: number };
}

function calendarMethods(): CelFunc[] {
  return [...calendarFields].flatMap(([name, field]) => {
    function read(this: unknown, zone?: unknown): bigint {
      const { seconds, nanos } = (this as Seconds).message;
      const milliseconds = Number(seconds) * 1000 + Math.floor(nanos / 1_000_000);
      return BigInt(field(localTime(milliseconds, zone as string | undefined)));
    }
    return [celMethod(name, TIMESTAMP, [], INT, read), celMethod(name, TIMESTAMP, [STRING], INT, read)];
  });
}

export const functions: CelFunc[] = [...presence, ...conversions, ...metered, ...calendarMethods()];
