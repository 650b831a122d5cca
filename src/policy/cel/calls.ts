import { didYouMean, nearest } from '../nearest.ts';
import type { Scalar, Shape } from '../shapes.ts';
import { isOpen, nameOf } from './kinds.ts';
import type { Judged } from './operators.ts';
import { parseToolPattern } from '../../call/tool-pattern.ts';
import { compilePattern } from './program.ts';
import type { Expr } from './syntax.ts';
import { calendarFields, localTime } from './time.ts';

/** One way to call a function. */
interface Signature {
  /** What stands before the dot; absent for `f(x)`. */
  readonly target?: readonly Scalar[];
  readonly args: readonly (readonly Scalar[])[];
  readonly result: Shape;
  /** Also takes lists and maps, in the target's place or as the only argument. */
  readonly containers?: boolean;
  /** Checks the last argument, which must then be a string literal. */
  readonly literal?: { readonly what: string; readonly check: (text: string) => void };
}

const text: readonly Scalar[] = ['string'];
const scalars: readonly Scalar[] = [
  'bool',
  'int',
  'uint',
  'double',
  'string',
  'bytes',
  'timestamp',
  'duration',
];

function convert(result: Scalar, ...from: Scalar[]): [string, Signature[]] {
  return [result, [{ args: [from], result }]];
}

function test(name: string): [string, Signature[]] {
  return [name, [{ target: text, args: [text], result: 'bool' }]];
}

const macros: ReadonlySet<string> = new Set(['exists', 'all', 'exists_one', 'map', 'filter']);
const timeOfDay: ReadonlySet<string> = new Set(['getHours', 'getMinutes', 'getSeconds', 'getMilliseconds']);

/** An IANA name whose rules the runtime does not know fails at load, not at the first call of the night. */
const zone = { what: 'a time zone', check: (name: string) => void localTime(0, name) };

/**
 * A caller who chooses the pattern chooses what it matches, and its cost: patterns are literals, checked when the
 * policy is loaded.
 */
const pattern = { what: 'an RE2 pattern', check: (source: string) => void compilePattern(source) };

/** A rule leans on the tools that its author named, never on one that a caller names. */
const toolPattern = {
  what: 'a tool as in server/tool',
  check: (text: string) => void parseToolPattern(text),
};

const anything: readonly Scalar[] = [...scalars, 'null'];

const signatures: ReadonlyMap<string, readonly Signature[]> = new Map([
  [
    'size',
    [
      { args: [['string', 'bytes']], result: 'int', containers: true },
      { target: ['string', 'bytes'], args: [], result: 'int', containers: true },
    ],
  ],
  test('contains'),
  test('startsWith'),
  test('endsWith'),
  ['matches', [{ target: text, args: [text], result: 'bool', literal: pattern }]],
  convert('int', 'int', 'uint', 'double', 'string', 'timestamp', 'duration'),
  convert('uint', 'int', 'uint', 'double', 'string'),
  convert('double', 'int', 'uint', 'double', 'string'),
  convert('bool', 'bool', 'string'),
  convert('string', ...scalars),
  convert('bytes', 'bytes', 'string'),
  convert('timestamp', 'timestamp', 'int', 'string'),
  convert('duration', 'duration', 'int', 'string'),
  ['dyn', [{ args: [[...scalars, 'null', 'type']], result: 'any', containers: true }]],
  ['type', [{ args: [[...scalars, 'null', 'type']], result: 'type', containers: true }]],
  ['fromRequest', [{ args: [anything], result: 'bool', containers: true }]],
  ['fromTrusted', [{ args: [anything], result: 'bool', containers: true }]],
  ['fromTool', [{ args: [anything, text], result: 'bool', containers: true, literal: toolPattern }]],
  ['called', [{ args: [text], result: 'int', literal: toolPattern }]],
  ...[...calendarFields.keys()].map((name): [string, Signature[]] => {
    const target: Scalar[] = timeOfDay.has(name) ? ['timestamp', 'duration'] : ['timestamp'];
    return [
      name,
      [
        { target, args: [], result: 'int' },
        { target: ['timestamp'], args: [text], result: 'int', literal: zone },
      ],
    ];
  }),
] satisfies [string, Signature[]][]);

/** What a call gives, or why it can only fail. `target` and `args` are the shapes; `exprs` the arguments' nodes. */
export function judgeCall(
  name: string,
  target: Shape | undefined,
  args: readonly Shape[],
  exprs: readonly Expr[],
): Judged {
  const ways = signatures.get(name);
  if (ways === undefined) return { refused: unknownFunction(name) };
  const way = ways.find(
    (one) => (one.target !== undefined) === (target !== undefined) && one.args.length === args.length,
  );
  if (way === undefined)
    return { refused: `write it as ${ways.map((one) => usage(name, one)).join(' or ')}` };
  const given = target === undefined ? args : [target, ...args];
  const wanted = way.target === undefined ? way.args : [way.target, ...way.args];
  for (const [index, shape] of given.entries()) {
    const takes = wanted[index] ?? [];
    if (!takesShape(takes, shape, way.containers === true)) return { refused: mismatch(name, takes, shape) };
  }
  return way.literal === undefined
    ? { shape: way.result }
    : judgeLiteral(name, way.literal, way.result, exprs.at(-1));
}

function takesShape(takes: readonly Scalar[], shape: Shape, containers: boolean): boolean {
  if (typeof shape !== 'string') return containers;
  if (takes.includes(shape)) return true;
  // What a caller sends is never a timestamp, a duration or bytes, only text or a number to convert.
  if (shape === 'json')
    return containers || takes.some((kind) => kind === 'string' || kind === 'double' || kind === 'bool');
  return isOpen(shape);
}

function mismatch(name: string, takes: readonly Scalar[], shape: Shape): string {
  const hint = shape === 'double' && takes.includes('int') ? `: write ${name}(int(…))` : '';
  return `${name} does not take ${nameOf(shape)}${hint}`;
}

function judgeLiteral(
  name: string,
  literal: NonNullable<Signature['literal']>,
  result: Shape,
  expr: Expr | undefined,
): Judged {
  const constant = expr?.exprKind.case === 'constExpr' ? expr.exprKind.value.constantKind : undefined;
  if (constant?.case !== 'stringValue')
    return { refused: `${name} takes ${literal.what} written out as a string` };
  try {
    literal.check(constant.value);
  } catch {
    return { refused: `this is not ${literal.what}` };
  }
  return { shape: result };
}

/** Why a name is none of a function; undefined when it is one. */
export function whyUnknown(name: string): string | undefined {
  return signatures.has(name) ? undefined : unknownFunction(name);
}

function unknownFunction(name: string): string {
  if (name === 'has') return 'has takes one field, as in has(human.authTime)';
  if (macros.has(name)) return `${name} takes a name and an expression, as in list.${name}(x, x == "a")`;
  const meant = didYouMean(nearest(name, ['has', ...macros, ...signatures.keys()]));
  return `there is no function ${name}${meant}; there are ${[...signatures.keys()].join(', ')} and the macros has, ${[...macros].join(', ')}`;
}

function usage(name: string, { target, args }: Signature): string {
  const written = args.map((_, index) => (index === 0 ? 'y' : 'z')).join(', ');
  return target === undefined ? `${name}(${written.replace('y', 'x')})` : `x.${name}(${written})`;
}
