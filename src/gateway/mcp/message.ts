import { foldCase } from '../../call/case-fold.ts';
import type { JsonNode, ObjectNode, ParsedJson } from '../../call/json-node.ts';
import { ambiguityWithin, memberOf, repeatedKey } from '../../call/json-node.ts';
import type { JsonLimits } from '../../call/json-scan.ts';
import { defaultJsonLimits, parseJson } from '../../call/json-scan.ts';
import { CountersignError, toCountersignError } from '../../errors.ts';

export interface MessageId {
  /** The id exactly as it was written: what an answer echoes. */
  readonly raw: Uint8Array;
  /** Equal for ids that are the same value: `1` and `1.0` are, `1` and `"1"` are not. */
  readonly key: string;
}

interface Parsed {
  /** The message's own bytes: the frame, or one element of a batch. */
  readonly bytes: Uint8Array;
  /** The frame's bytes, which all offsets of `root` count in. */
  readonly frame: Uint8Array;
  readonly parsed: ParsedJson;
  readonly root: ObjectNode;
}
export interface Request extends Parsed {
  readonly kind: 'request';
  readonly id: MessageId;
  readonly method: string;
  readonly params?: JsonNode;
}
export interface Notification extends Parsed {
  readonly kind: 'notification';
  readonly method: string;
  readonly params?: JsonNode;
}
export type Response = Parsed & { readonly kind: 'response' } & (
    | { readonly id: MessageId; readonly result: JsonNode; readonly error?: undefined }
    /** An error about a message whose id could not be read has none. */
    | { readonly id?: MessageId; readonly error: JsonNode; readonly result?: undefined }
  );
/** A result or an error, and the message that it stands in. */
export type Answer = Parsed &
  (
    | { readonly result: JsonNode; readonly error?: undefined }
    | { readonly error: JsonNode; readonly result?: undefined }
  );
/** A message that goes no further. */
export interface Refusal {
  readonly kind: 'refusal';
  /** `FRAME_INVALID`, `TOO_LARGE` or `MESSAGE_AMBIGUOUS`. */
  readonly error: CountersignError;
  /** Whether it was JSON at all. */
  readonly wasJson: boolean;
  /** Where it is clear which id an answer is to carry. */
  readonly id?: MessageId;
}
export type SingleMessage = Request | Notification | Response | Refusal;
/** A JSON-RPC batch, which revision 2025-03-26 has. Its elements stand each for itself. */
export interface Batch {
  readonly kind: 'batch';
  readonly bytes: Uint8Array;
  readonly elements: readonly SingleMessage[];
}
export type Message = SingleMessage | Batch;

/** The members that decide what a message is. They must be there once and in no second spelling. */
const envelopeKeys: ReadonlySet<string> = new Set(['jsonrpc', 'id', 'method', 'params', 'result', 'error']);

/**
 * What a frame is, by JSON-RPC 2.0 as MCP narrows it. Never throws. A message that another parser could take for
 * another one (`method` twice, `Method`, a result beside a method) is refused whoever sent it.
 */
export function classify(frame: Uint8Array, limits: JsonLimits = defaultJsonLimits): Message {
  let parsed: ParsedJson;
  try {
    parsed = parseJson(frame, limits);
  } catch (thrown) {
    const error = toCountersignError(thrown, 'FRAME_INVALID', 'The message could not be parsed.');
    return { kind: 'refusal', error, wasJson: false };
  }
  const { root } = parsed;
  if (root.kind !== 'array') return classifyOne(frame, parsed, root);
  if (root.elements.length === 0) return refuse('FRAME_INVALID', 'A batch is empty.');
  return {
    kind: 'batch',
    bytes: frame,
    elements: root.elements.map((element) => classifyOne(frame, parsed, element)),
  };
}

function classifyOne(frame: Uint8Array, parsed: ParsedJson, root: JsonNode): SingleMessage {
  if (root.kind !== 'object') return refuse('FRAME_INVALID', 'A message is not an object.');
  if (misspeltKey(parsed, root)) {
    const message = 'A member of the message is there twice, or in another case.';
    return refuse('MESSAGE_AMBIGUOUS', message, clearId(frame, parsed, root));
  }
  const id = readId(frame, parsed, root);
  if (id instanceof CountersignError) return { kind: 'refusal', error: id, wasJson: true };
  if (memberOf(root, 'jsonrpc')?.value !== '2.0') return refuse('FRAME_INVALID', 'jsonrpc is not "2.0".', id);

  const base = { bytes: frame.subarray(root.start, root.end), frame, parsed, root };
  return memberOf(root, 'method') === undefined ? readResponse(base, id) : readMethod(base, id);
}

/** Also a single `Method`: we would see no method, and a decoder that folds case would. */
function misspeltKey(parsed: ParsedJson, root: ObjectNode): boolean {
  return (
    repeatedKey(parsed, root, envelopeKeys) !== undefined ||
    root.members.some(({ key }) => !envelopeKeys.has(key) && envelopeKeys.has(foldCase(key)))
  );
}

const idKeys: ReadonlySet<string> = new Set(['id']);

/** The id of a message that is refused for another member: whoever waits for its answer is told. */
function clearId(frame: Uint8Array, parsed: ParsedJson, root: ObjectNode): MessageId | undefined {
  const hasTwin = root.members.some(({ key }) => key !== 'id' && idKeys.has(foldCase(key)));
  if (hasTwin || repeatedKey(parsed, root, idKeys)) return undefined;
  const id = readId(frame, parsed, root);
  return id instanceof CountersignError ? undefined : (id ?? undefined);
}

function readMethod(base: Parsed, id: MessageId | null | undefined): SingleMessage {
  const method = memberOf(base.root, 'method');
  const params = memberOf(base.root, 'params');
  if (memberOf(base.root, 'result') !== undefined || memberOf(base.root, 'error') !== undefined) {
    return refuse('MESSAGE_AMBIGUOUS', 'A message is a request and a response at once.', id);
  }
  if (method?.kind !== 'string') return refuse('FRAME_INVALID', 'The method is not a string.', id);
  if (ambiguityWithin(base.parsed, method))
    return refuse('MESSAGE_AMBIGUOUS', 'The method is not Unicode text.', id);
  if (params !== undefined && params.kind !== 'object' && params.kind !== 'null') {
    return refuse('FRAME_INVALID', 'The params are not an object.', id);
  }
  if (id === null) return refuse('FRAME_INVALID', 'The id of a request is null.');
  const rest = { ...base, method: method.value, ...(params && { params }) };
  return id === undefined ? { kind: 'notification', ...rest } : { kind: 'request', id, ...rest };
}

function readResponse(base: Parsed, id: MessageId | null | undefined): SingleMessage {
  const result = memberOf(base.root, 'result');
  const error = memberOf(base.root, 'error');
  if (result !== undefined && error !== undefined) {
    return refuse('MESSAGE_AMBIGUOUS', 'A response is a result and an error at once.', id);
  }
  if (error !== undefined) return { kind: 'response', ...base, error, ...(id && { id }) };
  if (result === undefined) return refuse('FRAME_INVALID', 'A message has no method, result or error.', id);
  if (!id) return refuse('FRAME_INVALID', 'A result has no id.');
  return { kind: 'response', ...base, id, result };
}

/** The id; `null` if it is null, `undefined` if there is none, an error if it is none that MCP knows. */
function readId(
  frame: Uint8Array,
  parsed: ParsedJson,
  root: ObjectNode,
): MessageId | null | undefined | CountersignError {
  const node = memberOf(root, 'id');
  if (node === undefined) return undefined;
  if (node.kind === 'null') return null;
  if (node.kind !== 'string' && node.kind !== 'number') return notAnId();
  if (ambiguityWithin(parsed, node)) {
    return new CountersignError('MESSAGE_AMBIGUOUS', 'The id is not the same for every parser.');
  }
  if (node.kind === 'number' && !Number.isSafeInteger(node.value)) return notAnId();
  const key = node.kind === 'string' ? `s:${node.value}` : `n:${node.value}`;
  return { raw: frame.slice(node.start, node.end), key };
}

function notAnId(): CountersignError {
  return new CountersignError('FRAME_INVALID', 'The id is neither a string nor an integer below 2^53.');
}

function refuse(
  code: 'FRAME_INVALID' | 'MESSAGE_AMBIGUOUS',
  message: string,
  id?: MessageId | null,
): Refusal {
  return { kind: 'refusal', error: new CountersignError(code, message), wasJson: true, ...(id && { id }) };
}
