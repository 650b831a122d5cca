import { memberOf } from '../call/json-node.ts';
import type { JsonNode, ObjectNode, ParsedJson } from '../call/json-node.ts';
import { isJsonObject, type Json, type JsonObject } from '../call/json.ts';
import { isOwnKey } from '../call/meta-keys.ts';
import { concatBytes, fromUtf8, utf8 } from '../call/sha256.ts';
import { unsplice } from '../call/unsplice.ts';
import { CountersignError } from '../errors.ts';
import { metaKeys } from '../names.ts';
import type { GivenResult } from './bind.ts';
import { CheckFailed, fail } from './codes.ts';
import { limits } from './limits.ts';
import { readJson } from './read-json.ts';

/** What one JSON document of the input is. */
export type Content =
  /** A bundle by itself. */
  | { readonly kind: 'bundle'; readonly bundle: Uint8Array }
  /** A tool result, a JSON-RPC response or an action's answer, with the envelopes of its call. */
  | { readonly kind: 'answer'; readonly answer: Answer };

export interface Answer {
  readonly verdict: Json;
  readonly outcome: Json | undefined;
  readonly openings: Json | undefined;
  /** What the gate said to machines when it answered in the server's place. */
  readonly denial: Json | undefined;
  /** The result or the error as its reader sees it, ours included. */
  readonly value: JsonObject;
  readonly isError: boolean;
  /** Whether it says nothing besides envelopes and refusal. */
  readonly isBare: boolean;
  /** The call that an action's answer says it is of. */
  readonly callId?: Json;
  /** What the answer of a decision says: then there is no outcome yet, and no result. */
  readonly decision?: Json;
  readonly result: GivenResult;
}

export interface InputDocument {
  /** Line of a JSON-lines input, from 1; undefined when the input is one document. */
  readonly line: number | undefined;
  readonly bytes: Uint8Array;
}

const lineFeed = 0x0a;

/** The documents of an input: one, or one a line where the whole is not a single JSON text. */
export function splitDocuments(input: Uint8Array): readonly InputDocument[] {
  const lines = linesOf(input);
  // A pretty-printed document has lines too, and none of them but the whole is JSON.
  const areDocuments = lines.length > 1 && looksWhole(lines[0]?.bytes ?? input);
  return (areDocuments ? lines : [{ line: undefined, bytes: input }]).flatMap(shownApart);
}

const shownStart = /^\s*\{\s*"callId"\s*:/;
const shownKeys = ['callId', 'verdict', 'outcome'];

/** What `countersign log show` prints holds the envelopes of a call side by side: each is a document by itself. */
function shownApart(document: InputDocument): readonly InputDocument[] {
  const { line, bytes } = document;
  if (!shownStart.test(fromUtf8(bytes.subarray(0, 64)) ?? '')) return [document];
  const parsed = parsedOrNone(bytes);
  if (parsed?.root.kind !== 'object') return [document];
  const { members } = parsed.root;
  const isShown =
    members.length === shownKeys.length && shownKeys.every((key, at) => members[at]?.key === key);
  if (!isShown) return [document];
  return members
    .slice(1)
    .filter(({ node }) => node.kind !== 'null')
    .map(({ node }) => ({ line, bytes: bytes.subarray(node.start, node.end) }));
}

function looksWhole(line: Uint8Array): boolean {
  return parsedOrNone(line) !== undefined;
}

function parsedOrNone(bytes: Uint8Array): ParsedJson | undefined {
  try {
    return readJson(bytes, 'INPUT_MALFORMED', '', answerBounds);
  } catch (thrown) {
    if (thrown instanceof CheckFailed) return undefined;
    throw thrown;
  }
}

function linesOf(input: Uint8Array): { readonly line: number; readonly bytes: Uint8Array }[] {
  const lines: { line: number; bytes: Uint8Array }[] = [];
  let start = 0;
  for (let line = 1; start < input.length; line++) {
    const end = input.indexOf(lineFeed, start);
    const bytes = input.subarray(start, end < 0 ? input.length : end);
    if (bytes.some((byte) => byte > 0x20)) lines.push({ line, bytes });
    start = end < 0 ? input.length : end + 1;
  }
  return lines;
}

const answerBounds = { depth: limits.resultDepth, nodes: limits.resultNodes };
const malformed = 'INPUT_MALFORMED';

/** Says what a document is. What it cannot place, and what could be read in two ways, fails with INPUT_MALFORMED. */
export function readDocument(bytes: Uint8Array): Content {
  if (bytes.length > limits.result) fail('TOO_LARGE', '', `A result has at most ${limits.result} bytes.`);
  const parsed = readJson(bytes, malformed, '', answerBounds);
  const { root } = parsed;
  if (root.kind !== 'object') return fail(malformed, '', 'This is no JSON object.');
  requireUnrepeated(parsed, root);
  if (memberOf(root, 'mediaType') !== undefined) return { kind: 'bundle', bundle: bytes };
  if (isDecisionAnswer(root)) return { kind: 'answer', answer: readDecisionAnswer(parsed, bytes, root) };
  if (isActionAnswer(root)) return { kind: 'answer', answer: readActionAnswer(parsed, bytes, root) };
  const { node, holder } = findAnswer(root);
  requireUnrepeated(parsed, node);
  const answer = {
    ...readEnvelopes(parsed, node, holder),
    value: node.value,
    isError: holder === 'data',
    isBare: false,
    result: takeApart(bytes.subarray(node.start, node.end), holder, isAmbiguous(parsed, node)),
  };
  return { kind: 'answer', answer };
}

const actionMembers: ReadonlySet<string> = new Set(['callId', 'result', 'error', '_meta']);

/** What an action answers: `{callId, result | error, _meta}`, the envelopes beside what was done and not around it. */
function isActionAnswer({ members }: ObjectNode): boolean {
  return members.some(({ key }) => key === 'callId') && members.every(({ key }) => actionMembers.has(key));
}

function readActionAnswer(parsed: ParsedJson, bytes: Uint8Array, root: ObjectNode): Answer {
  const told = root.members.filter(({ key }) => key === 'result' || key === 'error');
  const [content] = told;
  if (told.length > 1) return fail(malformed, '', 'An action has a result or an error, not both.');
  return {
    ...readEnvelopes(parsed, root, '_meta'),
    value: root.value,
    isError: content?.key === 'error',
    isBare: content === undefined,
    callId: root.value['callId'] ?? null,
    result: {
      originals: content ? [bytes.subarray(content.node.start, content.node.end)] : [],
      values: content ? [content.node.value] : [],
      ambiguous: content !== undefined && isAmbiguous(parsed, content.node),
    },
  };
}

const decisionMembers: ReadonlySet<string> = new Set(['callId', 'decision', 'permit', 'denial', '_meta']);

/** What a caller is answered that carries its call out itself: `{callId, decision, permit | denial, _meta}`. */
function isDecisionAnswer({ members }: ObjectNode): boolean {
  return (
    members.some(({ key }) => key === 'decision') && members.every(({ key }) => decisionMembers.has(key))
  );
}

function readDecisionAnswer(parsed: ParsedJson, bytes: Uint8Array, root: ObjectNode): Answer {
  const { decision = null, denial } = root.value;
  return { ...readActionAnswer(parsed, bytes, root), decision, denial };
}

/** A JSON-RPC response holds a result or an error and nothing else that a reader might take for one. */
function findAnswer(root: ObjectNode): { readonly node: ObjectNode; readonly holder: '_meta' | 'data' } {
  if (memberOf(root, 'jsonrpc') === undefined) return { node: root, holder: '_meta' };
  const answers = root.members.filter(({ key }) => key !== 'jsonrpc' && key !== 'id');
  const [answer] = answers;
  const isAnswer = answer?.key === 'result' || answer?.key === 'error';
  if (answers.length !== 1 || !isAnswer || answer.node.kind !== 'object') {
    return fail(malformed, '', 'This is no JSON-RPC response with one result or one error.');
  }
  return { node: answer.node, holder: answer.key === 'result' ? '_meta' : 'data' };
}

function readEnvelopes(
  parsed: ParsedJson,
  node: ObjectNode,
  holder: '_meta' | 'data',
): Pick<Answer, 'verdict' | 'outcome' | 'openings' | 'denial'> {
  const place = memberOf(node, holder);
  const envelopes = place && memberOf(place, metaKeys.envelope);
  if (place?.kind !== 'object' || envelopes?.kind !== 'object') {
    return fail(malformed, `${holder}["${metaKeys.envelope}"]`, 'There are no envelopes in this.');
  }
  requireUnrepeated(parsed, place);
  if (parsed.ambiguities.some(({ offset }) => offset >= envelopes.start && offset < envelopes.end)) {
    fail(malformed, holder, 'Two parsers could read the envelopes differently.');
  }
  const stranger = place.members.find(
    ({ key }) => isOwnKey(key) && key !== metaKeys.envelope && key !== metaKeys.denial,
  );
  if (stranger !== undefined) fail(malformed, `${holder}["${stranger.key}"]`, 'This is not known here.');
  for (const member of envelopes.members) requireMember(member.key, member.node, holder);
  const { verdict, outcome, openings } = envelopes.value;
  if (verdict === undefined)
    return fail(malformed, `${holder}["${metaKeys.envelope}"].verdict`, 'It is missing.');
  return {
    verdict,
    outcome,
    openings,
    denial: memberOf(place, metaKeys.denial)?.value,
  };
}

function requireMember(key: string, node: JsonNode, holder: string): void {
  const path = `${holder}["${metaKeys.envelope}"].${key}`;
  if (key !== 'verdict' && key !== 'outcome' && key !== 'openings')
    fail(malformed, path, 'This is not known here.');
  if (!isJsonObject(node.value)) fail(malformed, path, 'This must be an object.');
  if (key !== 'openings' && node.end - node.start > limits.bundle)
    fail('TOO_LARGE', path, 'A bundle is too large.');
}

/** What the server sent. The answer is wrapped anew, so that a member of it called `result` is not taken for it. */
function takeApart(answer: Uint8Array, holder: '_meta' | 'data', ambiguous: boolean): GivenResult {
  const key = holder === '_meta' ? 'result' : 'error';
  try {
    const apart = unsplice(concatBytes(utf8(`{"jsonrpc":"2.0","${key}":`), answer, utf8('}')));
    return { originals: apart?.originals ?? [], values: apart?.values ?? [], ambiguous };
  } catch (thrown) {
    if (!(thrown instanceof CountersignError)) throw thrown;
    return fail(malformed, key, thrown.message);
  }
}

/** A key that stands twice, or in two cases, where we or a reader look for something. */
function requireUnrepeated(parsed: ParsedJson, container: ObjectNode): void {
  const repeated = parsed.ambiguities.some(
    (ambiguity) =>
      ambiguity.container === container &&
      (ambiguity.kind === 'duplicate-key' || ambiguity.kind === 'case-twin'),
  );
  if (repeated) fail(malformed, '', 'A key stands twice: two parsers could read this differently.');
}

function isAmbiguous(parsed: ParsedJson, node: JsonNode): boolean {
  return parsed.ambiguities.some(({ offset }) => offset >= node.start && offset < node.end);
}
