import { CountersignError } from '../errors.ts';
import { concatBytes, equalBytes, utf8 } from './bytes.ts';
import { foldCase } from './case-fold.ts';
import type { Json, JsonObject } from './json.ts';
import type { JsonMember, JsonNode, ObjectNode, ParsedJson } from './json-node.ts';
import { memberOf, repeatedKey } from './json-node.ts';
import { parseJson } from './json-scan.ts';
import { isOwnKey, upstreamPrefix, wasRenamed } from './meta-keys.ts';

/** A server's answer, apart from what the gate put into it. */
export interface Unspliced {
  /** Our members by key. */
  readonly ours: JsonObject;
  /**
   * What the server's result (or error) may have been, as bytes: what `result.raw` commits to. Two where ours are
   * the only members of `_meta`, since a server's `{"_meta":{}}` and `{}` then look alike; none where somebody
   * printed the answer anew and ours do not stand first.
   */
  readonly originals: readonly Uint8Array[];
  /** The same as values, which printing anew leaves alone: what `result.normalised` commits to. */
  readonly values: readonly Json[];
}

/**
 * Takes our members out again: the inverse of the gateway's splice. `bytes` are a result, a JSON-RPC response, or the
 * error of one. Undefined if none of our members is where the gate puts them. Everything in the answer is only a
 * claim: a commitment that opens is what tells which original is the right one, or that none is.
 *
 * @throws CountersignError `FRAME_INVALID` or `TOO_LARGE` if this is no JSON that we read, `MESSAGE_AMBIGUOUS` if a
 * member on the way to ours, or one of ours, is there twice.
 */
export function unsplice(bytes: Uint8Array): Unspliced | undefined {
  const parsed = parseJson(bytes);
  const answer = answerIn(parsed.root);
  const holder = answer && holderIn(answer);
  if (answer === undefined || holder === undefined) return undefined;
  refuseRepeated(parsed, answer, holder.node);
  return {
    ours: toObject(holder.node.members.filter(isOurs).map(({ key, node }) => [key, node.value])),
    originals: originalBytes(bytes, answer, holder),
    values: originalValues(answer, holder),
  };
}

/** The result or error of a response; anything else is taken for one itself. */
function answerIn(root: JsonNode): ObjectNode | undefined {
  const isResponse = memberOf(root, 'jsonrpc') !== undefined;
  const answer = isResponse ? (memberOf(root, 'result') ?? memberOf(root, 'error')) : root;
  return answer?.kind === 'object' ? answer : undefined;
}

interface Holder extends JsonMember {
  readonly node: ObjectNode;
}

/** The `_meta` of a result or the `data` of an error that has a member of ours. */
function holderIn(answer: ObjectNode): Holder | undefined {
  const isError = memberOf(answer, 'code')?.kind === 'number';
  return answer.members.find(
    (member): member is Holder =>
      (member.key === '_meta' || (isError && member.key === 'data')) &&
      member.node.kind === 'object' &&
      member.node.members.some(isOurs),
  );
}

function refuseRepeated(parsed: ParsedJson, answer: ObjectNode, holder: ObjectNode): void {
  const ours = new Set(holder.members.filter(isOurs).map(({ key }) => foldCase(key)));
  const repeated =
    repeatedKey(parsed, parsed.root, new Set(['result', 'error', 'jsonrpc'])) ??
    repeatedKey(parsed, answer, new Set(['_meta', 'data', 'code'])) ??
    repeatedKey(parsed, holder, ours);
  if (repeated !== undefined) {
    throw new CountersignError(
      'MESSAGE_AMBIGUOUS',
      `A member of the answer is there twice, at byte ${repeated.offset}.`,
    );
  }
}

function originalBytes(bytes: Uint8Array, answer: ObjectNode, holder: Holder): Uint8Array[] {
  const { members } = holder.node;
  const theirs = members.filter((member) => !isOurs(member));
  const ours = members.slice(0, members.length - theirs.length);
  if (!ours.every(isOurs)) return [];

  const cuts = [leadingMembers(bytes, holder.node, ours.length)];
  for (const { keyStart } of theirs.filter(({ key }) => wasRenamed(key))) {
    const cut = { start: keyStart + 1, end: keyStart + 1 + renaming.length };
    // Escaped, it is not what we wrote.
    if (!equalBytes(bytes.subarray(cut.start, cut.end), renaming)) return [];
    cuts.push(cut);
  }
  const originals = [without(bytes, answer, cuts)];
  if (theirs.length === 0 && answer.members[0] === holder) {
    originals.unshift(without(bytes, answer, [leadingMembers(bytes, answer, 1)]));
  }
  return originals;
}

const renaming = utf8(upstreamPrefix);
const comma = 0x2c;

interface Cut {
  readonly start: number;
  readonly end: number;
}

/** The first members of an object, and the comma that parts them from the rest. */
function leadingMembers(bytes: Uint8Array, object: ObjectNode, count: number): Cut {
  const { end } = object.members[count - 1]!.node;
  const isAll = count === object.members.length;
  return { start: object.start + 1, end: isAll ? end : bytes.indexOf(comma, end) + 1 };
}

/** The bytes of `node` without what is cut, in order. */
function without(bytes: Uint8Array, node: JsonNode, cuts: readonly Cut[]): Uint8Array {
  const parts: Uint8Array[] = [];
  let from = node.start;
  for (const { start, end } of cuts) {
    parts.push(bytes.subarray(from, start));
    from = end;
  }
  return concatBytes(...parts, bytes.subarray(from, node.end));
}

function originalValues(answer: ObjectNode, holder: Holder): Json[] {
  const theirs = toObject(
    holder.node.members
      .filter((member) => !isOurs(member))
      .map(({ key, node }) => [wasRenamed(key) ? key.slice(upstreamPrefix.length) : key, node.value]),
  );
  const others = Object.entries(answer.value).filter(([key]) => key !== holder.key);
  const kept = toObject([...others, [holder.key, theirs]]);
  return Object.keys(theirs).length === 0 ? [toObject(others), kept] : [kept];
}

function isOurs({ key }: JsonMember): boolean {
  return isOwnKey(key);
}

function toObject(entries: readonly (readonly [string, Json])[]): JsonObject {
  const object = Object.create(null) as JsonObject;
  for (const [key, value] of entries) object[key] = value;
  return object;
}
