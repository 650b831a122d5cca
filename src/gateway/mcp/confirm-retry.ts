import { concatBytes, fromUtf8, utf8 } from '../../call/bytes.ts';
import { memberOf, type JsonMember, type ObjectNode } from '../../call/json-node.ts';
import { hex, sha256 } from '../../call/sha256.ts';
import type { ServerRef } from '../../call/call.ts';
import { saidIn, type Said } from './confirm-question.ts';
import { isSeal, type ConfirmSeals, type Sealed } from './confirm-seal.ts';
import { eraOf } from './era.ts';
import { classify, type Request } from './message.ts';
import { readParams } from './params.ts';
import type { CallRoute } from './route.ts';

/** Our question among the `inputRequests` of a result, and its answer among the `inputResponses` of the retry. */
export const questionKey = 'dev.countersign/confirm';

/** A retry without what is ours in it, and what its person said of exactly this call. */
export interface Retried {
  readonly route: CallRoute;
  readonly said?: Said;
}

/** Whether a call comes with a `requestState` of ours, or one that looks so: the server must not get that. */
export function bringsSeal({ method, params }: Request): boolean {
  if (method !== 'tools/call' || !params || eraOf(params) !== 'modern') return false;
  const state = memberOf(params, 'requestState')?.value;
  return typeof state === 'string' && isSeal(state);
}

/**
 * The call as it would be without our question, in a frame of its own. The answer counts once, within five minutes, for its owner
 * and for exactly the call that was asked about; of anything else it says nothing.
 *
 * @param owner Of the request; undefined where nobody could say who it is.
 */
export async function takeRetry(
  seals: ConfirmSeals,
  { request }: CallRoute,
  server: ServerRef,
  owner: string | undefined,
): Promise<Retried | undefined> {
  const { params } = request;
  if (params?.kind !== 'object') return undefined;
  const state = memberOf(params, 'requestState')?.value;
  const opened = typeof state === 'string' ? await seals.open(state) : undefined;
  const isOwners = opened !== undefined && opened.owner === owner;
  const route = routeWithout(request, params, isOwners ? opened : undefined);
  if (!route) return undefined;
  const answer = answerIn(params);
  if (!isOwners || !answer || opened.digest !== callDigest(route.request, server)) return { route };
  return opened.use() ? { route, said: saidIn(answer, request.parsed) } : { route };
}

function answerIn(params: ObjectNode) {
  const responses = memberOf(params, 'inputResponses');
  return responses && memberOf(responses, questionKey);
}

/** The same call with what it carried before we asked, in place of what is ours. */
function routeWithout(
  request: Request,
  params: ObjectNode,
  before: Sealed | undefined,
): CallRoute | undefined {
  const { frame } = request;
  const kept = params.members.filter(({ key }) => key !== 'inputResponses' && key !== 'requestState');
  const responses = othersIn(request, params) ?? before?.inputResponses;
  const members = [
    ...kept.map((member) => textOf(frame, member)),
    ...(responses === undefined ? [] : [`"inputResponses":${responses}`]),
    ...(before?.requestState === undefined ? [] : [`"requestState":${before.requestState}`]),
  ];
  const bytes = utf8(`{${members.join(',')}}`);
  const message = classify(concatBytes(frame.subarray(0, params.start), bytes, frame.subarray(params.end)));
  if (message.kind !== 'request') return undefined;
  const reading = readParams('tools/call', message.params, message.parsed);
  if (reading.kind !== 'call') return undefined;
  return { kind: 'call', request: message, shape: reading.shape, payload: message.frame };
}

/** The responses that are not ours, as JSON text; undefined where there are none. */
function othersIn({ frame }: Request, params: ObjectNode): string | undefined {
  const responses = memberOf(params, 'inputResponses');
  if (!responses) return undefined;
  if (responses.kind !== 'object') return fromUtf8(frame.subarray(responses.start, responses.end));
  const others = responses.members.filter(({ key }) => key !== questionKey);
  return others.length === 0 ? undefined : `{${others.map((member) => textOf(frame, member)).join(',')}}`;
}

/** What a question is sealed with: the call, and what stands in the places that ours takes. */
export function sealedCall(request: Request, server: ServerRef, owner: string): Sealed {
  const inputResponses = valueText(request, 'inputResponses');
  const requestState = valueText(request, 'requestState');
  return {
    digest: callDigest(request, server),
    owner,
    ...(inputResponses !== undefined && { inputResponses }),
    ...(requestState !== undefined && { requestState }),
  };
}

/** Members of `_meta` that are another request's in a retry. */
const ofOneRequest: ReadonlySet<string> = new Set(['progressToken', 'traceparent', 'tracestate', 'baggage']);

/** Whatever the params say, byte for byte, in whichever order their members stand. */
function callDigest({ frame, params }: Request, { digest }: ServerRef): string {
  if (params?.kind !== 'object') return '';
  const parts = params.members.flatMap((member) =>
    member.key === '_meta' && member.node.kind === 'object'
      ? member.node.members
          .filter(({ key }) => !ofOneRequest.has(key))
          .map((inner) => `_meta.${textOf(frame, inner)}`)
      : [textOf(frame, member)],
  );
  return hex(sha256(utf8(JSON.stringify([digest, ...parts.sort()]))));
}

function valueText({ frame, params }: Request, key: string): string | undefined {
  const node = params && memberOf(params, key);
  return node && fromUtf8(frame.subarray(node.start, node.end));
}

/** `"key":value` as it is written. Params that may be called with are UTF-8. */
function textOf(frame: Uint8Array, { key, node }: JsonMember): string {
  return `${JSON.stringify(key)}:${fromUtf8(frame.subarray(node.start, node.end)) ?? ''}`;
}
