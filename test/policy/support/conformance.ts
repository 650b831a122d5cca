import {
  celEnv,
  celUint,
  isCelError,
  isCelList,
  isCelMap,
  isCelType,
  isCelUint,
  parse,
  plan,
  type CelInput,
} from '@bufbuild/cel';
import { tests as conformance } from '@bufbuild/cel-spec/testdata/conformance.js';
import { compileProgram, type Bindings } from '../../../src/policy/cel/program.ts';
import { refillMeter } from '../../../src/policy/cel/meter.ts';
import { parseCondition } from '../../../src/policy/cel/syntax.ts';

/** cel-spec's conformance cases (Apache-2.0), as `@bufbuild/cel-spec` publishes them, as far as they are about core types. */

type Suite = typeof conformance;
export interface Case {
  readonly name: string;
  readonly expr: string;
  readonly value?: Record<string, unknown>;
  /** Its deduced type is a checker's business; the value is anyone's. */
  readonly typedResult?: { readonly result?: Record<string, unknown> };
  readonly bindings?: Record<string, { readonly value?: Record<string, unknown> }>;
}

/** Messages, enums, containers and checker-only cases ask for what conditions do not have. */
function isCore(test: object): boolean {
  const text = JSON.stringify(test);
  return !/TestAllTypes|NestedTestAllTypes|google\.protobuf\.|"objectValue"|"enumValue"|"container"|"checkOnly"|"unknown"|"anyEvalErrors"/.test(
    text.replace(/"type\.googleapis\.com\/google\.protobuf\.(Timestamp|Duration)"/g, ''),
  );
}

/** One of the specification's files: how many cases it has, and those that are about core types, by name. */
export interface SpecFile {
  readonly name: string;
  readonly total: number;
  readonly core: ReadonlyMap<string, Case>;
}

export function specFiles(): SpecFile[] {
  return (conformance.suites ?? []).map((suite) => {
    const core = new Map<string, Case>();
    return { name: suite.name, total: collect(suite, suite.name, core), core };
  });
}

function collect(suite: Suite, path: string, into: Map<string, Case>): number {
  let total = 0;
  for (const { original } of suite.tests ?? []) {
    const name = `${path}/${original.name ?? original.expr}`;
    if (isCore(original)) into.set(name, { ...(original as unknown as Case), name });
    total += 1;
  }
  for (const inner of suite.suites ?? []) total += collect(inner, `${path}/${inner.name}`, into);
  return total;
}

/** Source and variables → its value, or undefined for an error of any kind, parsing included. */
export type Engine = (source: string, bindings: Bindings) => unknown;

/** The engine as conditions have it. */
export const wrapped: Engine = (source, bindings) => {
  refillMeter();
  try {
    return compileProgram(parseCondition(source).expr)(bindings);
  } catch {
    return undefined;
  }
};

const plainEnvironment = celEnv();

/** The same library with nothing around it. */
export const plain: Engine = (source, bindings) => {
  try {
    const result = plan(plainEnvironment, parse(source))(bindings);
    return isCelError(result) ? undefined : result;
  } catch {
    return undefined;
  }
};

/** `pass`, or what happened instead. */
export function runCase(test: Case, engine: Engine): string {
  const bindings = Object.create(null) as Bindings;
  for (const [name, { value }] of Object.entries(test.bindings ?? {})) {
    bindings[name] = fromWire(value ?? {}) as CelInput;
  }
  const actual = engine(test.expr, bindings);
  const expected = test.value ?? test.typedResult?.result;
  if ('evalError' in test) return actual === undefined ? 'pass' : 'a value where an error is required';
  if (actual === undefined) return 'an error where a value is required';
  return equal(actual, fromWire(expected ?? { boolValue: true })) ? 'pass' : `another value`;
}

/** A `cel.expr.Value` in protobuf JSON. */
function fromWire(value: Record<string, unknown>): unknown {
  const [[kind, content] = ['nullValue', null]] = Object.entries(value);
  switch (kind) {
    case 'int64Value':
      return BigInt(content as string);
    case 'uint64Value':
      return celUint(BigInt(content as string));
    case 'doubleValue':
      return Number(content);
    case 'bytesValue':
      return Uint8Array.from(atob(content as string), (character) => character.charCodeAt(0));
    case 'nullValue':
      return null;
    case 'listValue':
      return ((content as { values?: Record<string, unknown>[] }).values ?? []).map(fromWire);
    case 'mapValue': {
      const { entries = [] } = content as { entries?: Record<'key' | 'value', Record<string, unknown>>[] };
      return new Map(entries.map(({ key, value: entry }) => [fromWire(key), fromWire(entry)]));
    }
    case 'typeValue':
      return { typeName: content };
    default:
      return content;
  }
}

function equal(actual: unknown, expected: unknown): boolean {
  if (isCelUint(actual)) return isCelUint(expected) && actual.value === expected.value;
  if (isCelType(actual)) return (expected as { typeName?: unknown }).typeName === actual.name;
  if (isCelList(actual)) return equalLists([...actual], expected);
  if (isCelMap(actual)) {
    if (!(expected instanceof Map) || expected.size !== actual.size) return false;
    return [...actual].every(([key, value]) =>
      [...(expected as Map<unknown, unknown>)].some(
        ([other, wanted]) => equal(key, other) && equal(value, wanted),
      ),
    );
  }
  if (actual instanceof Uint8Array) {
    return expected instanceof Uint8Array && equalLists([...actual], [...expected]);
  }
  return Object.is(actual, expected) || (actual === 0 && expected === 0);
}

function equalLists(actual: readonly unknown[], expected: unknown): boolean {
  if (!Array.isArray(expected) || expected.length !== actual.length) return false;
  return actual.every((element, index) => equal(element, (expected as unknown[])[index]));
}
