import { foldCase } from './case-fold.ts';
import type { Json, JsonObject } from './json.ts';

/** Where a value stands in the bytes that were parsed: `bytes.subarray(start, end)` is exactly its text. */
interface Span {
  readonly start: number;
  readonly end: number;
}

export interface ObjectNode extends Span {
  readonly kind: 'object';
  readonly value: JsonObject;
  /** In the order of the text, a repeated key as often as it is there. `value` has the last one. */
  readonly members: readonly JsonMember[];
}
export interface ArrayNode extends Span {
  readonly kind: 'array';
  readonly value: Json[];
  readonly elements: readonly JsonNode[];
}
export interface StringNode extends Span {
  readonly kind: 'string';
  readonly value: string;
}
export interface NumberNode extends Span {
  readonly kind: 'number';
  readonly value: number;
}
export interface BooleanNode extends Span {
  readonly kind: 'boolean';
  readonly value: boolean;
}
export interface NullNode extends Span {
  readonly kind: 'null';
  readonly value: null;
}
export type JsonNode = ObjectNode | ArrayNode | StringNode | NumberNode | BooleanNode | NullNode;

export interface JsonMember {
  readonly key: string;
  /** Offset of the key's opening quote. */
  readonly keyStart: number;
  readonly node: JsonNode;
}

/**
 * - `duplicate-key`: parsers differ in which one wins.
 * - `case-twin`: two keys that differ, but not under Unicode simple case folding; Go's decoder takes either.
 * - `lone-surrogate`: an escape that is no Unicode text; parsers refuse, replace or keep it.
 * - `inexact-integer`: an integer without fraction and exponent that a double cannot hold.
 * - `number-overflow`, `number-underflow`: a number that a double makes infinite, or zero though it is not.
 */
export type AmbiguityKind =
  | 'duplicate-key'
  | 'case-twin'
  | 'lone-surrogate'
  | 'inexact-integer'
  | 'number-overflow'
  | 'number-underflow';

/** Valid JSON that two honest parsers can read differently. */
export interface Ambiguity {
  readonly kind: AmbiguityKind;
  /** Byte offset of the key, string or number. */
  readonly offset: number;
  /** The object or array right around it; absent when the whole text is that string or number. */
  readonly container?: ObjectNode | ArrayNode;
  /** The later key of the two, for duplicates and twins. */
  readonly key?: string;
}

export interface ParsedJson {
  readonly root: JsonNode;
  /** Everything ambiguous in the text. */
  readonly ambiguities: readonly Ambiguity[];
}

/** The node of a member of an object; where the key is repeated, the last one. Undefined if there is none. */
export function memberOf(node: JsonNode, key: string): JsonNode | undefined {
  if (node.kind !== 'object') return undefined;
  for (let i = node.members.length - 1; i >= 0; i--) {
    const member = node.members[i]!;
    if (member.key === key) return member.node;
  }
  return undefined;
}

/** The first ambiguity anywhere inside `span`, its own keys included. */
export function ambiguityWithin(parsed: ParsedJson, span: Span): Ambiguity | undefined {
  return parsed.ambiguities.find(({ offset }) => offset >= span.start && offset < span.end);
}

/**
 * The first duplicate or case twin, right in `container`, of one of `keys` (given as folded by `foldCase`). It finds
 * `{"method":…,"Method":…}` for `method`, whichever of the two comes first.
 */
export function repeatedKey(
  parsed: ParsedJson,
  container: JsonNode,
  keys: ReadonlySet<string>,
): Ambiguity | undefined {
  return parsed.ambiguities.find(
    (ambiguity) =>
      ambiguity.container === container &&
      (ambiguity.kind === 'duplicate-key' || ambiguity.kind === 'case-twin') &&
      keys.has(foldCase(ambiguity.key ?? '')),
  );
}
