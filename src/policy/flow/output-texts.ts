import { isAlias, isMap, isScalar, isSeq, parseDocument, type Node } from 'yaml';
import { isJsonObject, type Json, type JsonObject } from '../../call/json.ts';
import type { ToolLabel } from '../policy.ts';

/** One text of an output, and whether it may be relied on. */
export interface OutputText {
  readonly text: string;
  readonly trusted: boolean;
  /** It is the value of a field, rather than writing in which values stand. */
  readonly isField: boolean;
}

/** Longer texts are not read as YAML, so that no output holds up the gate: as a whole they are as little trusted as any part. */
const longestYaml = 65_536;

/**
 * The texts and numbers of an output, the keys of its maps among them, each with its label. An output is the result of an MCP
 * tools/call or any JSON. A field's label holds for all below it; of two patterns that mean the same place the one with fewer
 * `*` says what it is, and of equals the one that trusts less. What cannot be read as the label says it should be is trusted only
 * if every field would be.
 */
export function* textsOf(output: Json, label: ToolLabel): Generator<OutputText> {
  if (!isJsonObject(output) || !isToolResult(output)) {
    yield* textsOfValue(output, label);
    return;
  }
  const { content, structuredContent, isError } = output;
  // A tool's errors repeat what it was called with.
  const told = isError === true ? untrusted : label;
  for (const part of Array.isArray(content) ? content : []) {
    if (isJsonObject(part) && part['type'] === 'text' && typeof part['text'] === 'string')
      yield* textsOfText(part['text'], told);
    else yield* walk(part, jsonParts, strictest(told));
  }
  if (structuredContent !== undefined) yield* walk(structuredContent, jsonParts, told);
}

const untrusted: ToolLabel = { trusted: false, sensitive: false, format: 'text', fields: [] };

function isToolResult(output: JsonObject): boolean {
  return Array.isArray(output['content']) || isJsonObject(output['structuredContent']);
}

function textsOfValue(output: Json, label: ToolLabel): Generator<OutputText> {
  return typeof output === 'string' ? textsOfText(output, label) : walk(output, jsonParts, label);
}

function* textsOfText(text: string, label: ToolLabel): Generator<OutputText> {
  const json = label.format === 'json' ? parseJson(text) : undefined;
  const yaml = label.format === 'yaml' ? parseYaml(text) : undefined;
  if (json !== undefined) yield* walk(json, jsonParts, label);
  else if (yaml !== undefined) yield* walk(yaml, yamlParts, label);
  else yield { text, trusted: strictest(label).trusted, isField: false };
}

function strictest(label: ToolLabel): ToolLabel {
  const trusted = label.trusted && label.fields.every((field) => field.label.trusted);
  return { ...label, trusted, fields: [] };
}

function parseJson(text: string): Json | undefined {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return undefined;
  }
}

function parseYaml(text: string): Node | undefined {
  if (text.length > longestYaml) return undefined;
  try {
    // Comparing every key with every other takes quadratic time; a key that is there twice is read twice.
    const document = parseDocument(text, { ...yamlOptions, uniqueKeys: false });
    return document.errors.length + document.warnings.length > 0
      ? undefined
      : (document.contents ?? undefined);
  } catch {
    return undefined;
  }
}

const yamlOptions = {
  version: '1.2',
  schema: 'core',
  merge: false,
  resolveKnownTags: false,
  prettyErrors: false,
  // 'silent' would silence what is wrong too.
  logLevel: 'error',
} as const;

/** What a value consists of: its own texts, or named parts. */
interface Parts<Value> {
  readonly own: readonly string[];
  readonly named: Iterable<readonly [key: string, value: Value, isText: boolean]>;
}

const nothing: readonly [] = [];

function jsonParts(value: Json): Parts<Json> {
  if (Array.isArray(value))
    return { own: nothing, named: value.map((one, index) => [String(index), one, false] as const) };
  if (isJsonObject(value))
    return { own: nothing, named: Object.keys(value).map((key) => [key, value[key] ?? null, true] as const) };
  return {
    own: typeof value === 'string' || typeof value === 'number' ? [String(value)] : nothing,
    named: nothing,
  };
}

function yamlParts(node: Node): Parts<Node> {
  if (isSeq<Node>(node))
    return { own: nothing, named: node.items.map((one, index) => [String(index), one, false] as const) };
  if (isMap<Node, Node | null>(node))
    return {
      own: nothing,
      named: node.items.map(({ key, value }) => [keyOf(key), value ?? key, true] as const),
    };
  return {
    own: isAlias(node) || !isScalar(node) ? nothing : scalarTexts(node.value, node.source),
    named: nothing,
  };
}

function keyOf(key: Node): string {
  return isScalar(key) ? String(key.value) : '';
}

/** A number also as it was written: an account's may begin with zeros. */
function scalarTexts(value: unknown, source: string | undefined): string[] {
  if (typeof value === 'string') return [value];
  if (typeof value !== 'number') return [];
  return source === undefined || source === String(value) ? [String(value)] : [String(value), source];
}

/** A field's pattern, of which so many parts matched on the way to a value. */
interface Pending {
  readonly field: ToolLabel['fields'][number];
  readonly matched: number;
}

interface Place<Value> {
  readonly value: Value;
  readonly trusted: boolean;
  readonly pending: readonly Pending[];
}

/** Without recursion: an output is as deep as its server likes. */
function* walk<Value>(
  root: Value,
  partsOf: (value: Value) => Parts<Value>,
  { trusted, fields }: ToolLabel,
): Generator<OutputText> {
  const places = [
    placeOf(
      root,
      trusted,
      fields.map((field) => ({ field, matched: 0 })),
    ),
  ];
  for (let place = places.pop(); place !== undefined; place = places.pop()) {
    const { own, named } = partsOf(place.value);
    for (const text of own) yield { text, trusted: place.trusted, isField: true };
    for (const [key, value, isText] of named) {
      if (isText) yield { text: key, trusted: place.trusted, isField: true };
      places.push(placeOf(value, place.trusted, below(place.pending, key)));
    }
  }
}

function below(pending: readonly Pending[], key: string): readonly Pending[] {
  if (pending.length === 0) return nothing;
  return pending
    .filter(({ field: { path }, matched }) => path[matched] === '*' || path[matched] === key)
    .map(({ field, matched }) => ({ field, matched: matched + 1 }));
}

function placeOf<Value>(value: Value, inherited: boolean, pending: readonly Pending[]): Place<Value> {
  if (pending.length === 0) return { value, trusted: inherited, pending };
  const here = pending
    .filter(({ field, matched }) => field.path.length === matched)
    .map(({ field }) => field);
  const deeper = pending.filter(({ field, matched }) => field.path.length > matched);
  const fewest = Math.min(...here.map(stars));
  const closest = here.filter((field) => stars(field) === fewest);
  const trusted = closest.length === 0 ? inherited : closest.every(({ label }) => label.trusted);
  return { value, trusted, pending: deeper };
}

function stars({ path }: ToolLabel['fields'][number]): number {
  return path.filter((part) => part === '*').length;
}
