import { ambiguityWithin, memberOf, type JsonNode, type ParsedJson } from '../../call/json-node.ts';
import { parseJson } from '../../call/json-scan.ts';
import { isJsonObject, type Json, type JsonObject } from '../../call/json.ts';
import { utf8 } from '../../call/bytes.ts';
import { CountersignError } from '../../errors.ts';

/** One JSON object as a host sent it, parsed once. Whatever is taken from it is what every parser reads there. */
export interface HookInput {
  has(name: string): boolean;
  /** Throws FRAME_INVALID unless it is text that says something. */
  text(name: string): string;
  /** Undefined where it is absent or no text. */
  optionalText(name: string): string | undefined;
  /** The same of what nothing is decided on: undefined also where two parsers could read it differently. */
  plainText(name: string): string | undefined;
  /** Throws FRAME_INVALID unless it is an object. */
  object(name: string): JsonObject;
  /** The same of an object that some hosts send as JSON text, and leave out where a tool takes nothing. */
  objectOrText(name: string): JsonObject;
  /** An object of it to look into. */
  inner(name: string): HookInput;
  /** A member as it stands in the bytes, whatever it is; undefined where there is none. */
  raw(name: string): Uint8Array | undefined;
  value(name: string): Json | undefined;
  /** The same of what is decided on: throws ARGUMENTS_AMBIGUOUS. */
  clear(name: string): Json | undefined;
  /** Those of these members that are plain values. */
  pick(names: readonly string[]): JsonObject;
}

/** Throws FRAME_INVALID or TOO_LARGE for what is no JSON object, ARGUMENTS_AMBIGUOUS when one of its keys stands twice. */
export function readHookInput(bytes: Uint8Array): HookInput {
  const parsed = parseJson(bytes);
  return inputOf(bytes, parsed, parsed.root);
}

function inputOf(bytes: Uint8Array, parsed: ParsedJson, root: JsonNode): HookInput {
  if (root.kind !== 'object') throw invalid('what a hook is told', 'is one JSON object');
  const twice = parsed.ambiguities.some(
    ({ kind, container }) => container === root && (kind === 'duplicate-key' || kind === 'case-twin'),
  );
  if (twice) throw ambiguous('a key');
  /** A result may say what it likes; what is decided on may be read in one way only. */
  const clear = (name: string): JsonNode | undefined => {
    const node = memberOf(root, name);
    if (node && ambiguityWithin(parsed, node)) throw ambiguous(name);
    return node;
  };
  const input: HookInput = {
    has: (name) => memberOf(root, name) !== undefined,
    text(name) {
      const value = clear(name)?.value;
      if (typeof value !== 'string' || value === '') throw invalid(name, 'is text');
      return value;
    },
    optionalText(name) {
      const value = clear(name)?.value;
      return typeof value === 'string' && value !== '' ? value : undefined;
    },
    plainText(name) {
      const node = memberOf(root, name);
      const isPlain = node?.kind === 'string' && node.value !== '' && !ambiguityWithin(parsed, node);
      return isPlain ? node.value : undefined;
    },
    object(name) {
      const value = clear(name)?.value;
      if (!isJsonObject(value)) throw invalid(name, 'is an object');
      return value;
    },
    objectOrText(name) {
      const value = clear(name)?.value;
      if (value === undefined || value === null || value === '') return {};
      return typeof value === 'string' ? objectIn(name, value) : input.object(name);
    },
    inner(name) {
      const node = memberOf(root, name);
      if (node?.kind !== 'object') throw invalid(name, 'is an object');
      return inputOf(bytes, parsed, node);
    },
    raw(name) {
      const node = memberOf(root, name);
      return node && bytes.slice(node.start, node.end);
    },
    value: (name) => memberOf(root, name)?.value,
    clear: (name) => clear(name)?.value,
    pick(names) {
      const found = names.flatMap((name): [string, Json][] => {
        const value = clear(name)?.value;
        return value === undefined || typeof value === 'object' ? [] : [[name, value]];
      });
      return Object.fromEntries(found);
    },
  };
  return input;
}

function objectIn(name: string, text: string): JsonObject {
  const parsed = parseJson(utf8(text));
  if (parsed.root.kind !== 'object') throw invalid(name, 'is an object');
  if (ambiguityWithin(parsed, parsed.root)) throw ambiguous(name);
  return parsed.root.value;
}

function invalid(name: string, what: string): CountersignError {
  return new CountersignError(
    'FRAME_INVALID',
    `The hook was told something else than its host says: ${name} ${what}.`,
  );
}

function ambiguous(name: string): CountersignError {
  return new CountersignError(
    'ARGUMENTS_AMBIGUOUS',
    `Two parsers could read ${name} of this call differently.`,
  );
}
