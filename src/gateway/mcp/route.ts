import { concatBytes } from '../../call/bytes.ts';
import { ambiguityWithin } from '../../call/json-node.ts';
import { CountersignError } from '../../errors.ts';
import type { RelayFrame } from '../../targets/mcp-relay-frame.ts';
import { mintRelayFrame } from '../../targets/mcp-relay-frame.ts';
import { eraOf } from './era.ts';
import type { Message, MessageId, Notification, Request, Response, SingleMessage } from './message.ts';
import { classify } from './message.ts';
import type { RelayPattern } from './methods.ts';
import { isCallMethod, methodStanding } from './methods.ts';
import type { CallShape } from './params.ts';
import { readParams } from './params.ts';

/** A message that passes as it is. */
export interface RelayRoute {
  readonly kind: 'relay';
  readonly message: Request | Notification | Response;
  readonly frame: RelayFrame;
}
/** A message that makes the server work: it goes through the gate, and in no other way to the server. */
export interface CallRoute {
  readonly kind: 'call';
  readonly request: Request;
  readonly shape: CallShape;
  /** The request's bytes with a line end: what is parsed, committed to and dispatched is this one buffer. */
  readonly payload: Uint8Array;
}
/** A message that goes no further. */
export interface RefusedRoute {
  readonly kind: 'refused';
  readonly error: CountersignError;
  /** Whom an error answers; absent where the id is not clear. */
  readonly id?: MessageId;
  /** A notification is refused without an answer. */
  readonly isNotification: boolean;
  readonly wasJson: boolean;
}
export type SingleRoute = RelayRoute | CallRoute | RefusedRoute;
/** A batch of nothing but messages that pass, whose ids are all free: it passes as it is. */
export interface WholeBatchRoute {
  readonly kind: 'whole-batch';
  readonly messages: readonly (Request | Notification | Response)[];
  readonly frame: RelayFrame;
}
/** A batch with a call or a refusal in it: each element goes its own way, in bytes of its own. */
export interface SplitBatchRoute {
  readonly kind: 'split-batch';
  readonly routes: readonly SingleRoute[];
}
export type Route = SingleRoute | WholeBatchRoute | SplitBatchRoute;

const lineFeed = Uint8Array.of(0x0a);

/**
 * Which way a client's frame goes. This is the only place where bytes of a client become a frame that is forwarded
 * without a permit, and it makes one only of what it has just established not to be a call.
 *
 * @param message A whole frame with its line end, classified, in a buffer that nobody else holds.
 * @param areFree Whether requests with these ids can all go on at once.
 */
export function routeMessage(
  message: Message,
  opened: readonly RelayPattern[],
  areFree: (keys: readonly string[]) => boolean,
): Route {
  if (message.kind !== 'batch') return routeSingle(message, opened);

  const relayed = message.elements.filter((element) => isRelayed(element, opened));
  if (relayed.length === message.elements.length && areFree(idsOf(relayed))) {
    return { kind: 'whole-batch', messages: relayed, frame: mintRelayFrame(message.bytes) };
  }
  return { kind: 'split-batch', routes: message.elements.map((element) => routeElement(element, opened)) };
}

function routeElement(element: SingleMessage, opened: readonly RelayPattern[]): SingleRoute {
  if (element.kind === 'refusal') return refusal(element.error, element);
  const message = classify(concatBytes(element.bytes, lineFeed));
  return message.kind === 'batch'
    ? refusal(new CountersignError('FRAME_INVALID', 'A batch is inside a batch.'), { wasJson: true })
    : routeSingle(message, opened);
}

function routeSingle(message: SingleMessage, opened: readonly RelayPattern[]): SingleRoute {
  if (message.kind === 'refusal') return refusal(message.error, message);
  const standing = standingOf(message, opened);
  if (standing === 'relay') return { kind: 'relay', message, frame: mintRelayFrame(message.frame) };
  if (standing instanceof CountersignError) {
    return {
      kind: 'refused',
      error: standing,
      isNotification: message.kind !== 'request',
      wasJson: true,
      ...(message.kind === 'request' && { id: message.id }),
    };
  }
  return { kind: 'call', ...standing, payload: standing.request.frame };
}

type Standing = 'relay' | CountersignError | { readonly request: Request; readonly shape: CallShape };

function standingOf(
  message: Exclude<SingleMessage, { kind: 'refusal' }>,
  opened: readonly RelayPattern[],
): Standing {
  if (message.kind === 'response') return 'relay';
  if (isRemoved(message)) return notRelayed;
  if (isCallMethod(message.method)) return standingOfCall(message, message.method);
  if (methodStanding(message.method, opened) !== 'relay') {
    return notRelayed;
  }
  return hasAmbiguousParams(message)
    ? new CountersignError(
        'MESSAGE_AMBIGUOUS',
        'Two parsers could read what this message refers to differently.',
      )
    : 'relay';
}

const notRelayed = new CountersignError('METHOD_NOT_RELAYED', 'This method is not one that is passed on.');

/** Calls that revision 2026-07-28 no longer has: there a listener names its resources. */
function isRemoved({ method, params }: Request | Notification): boolean {
  return method === 'resources/subscribe' && eraOf(params) === 'modern';
}

function standingOfCall(message: Request | Notification, method: Parameters<typeof readParams>[0]): Standing {
  if (message.kind === 'notification') {
    return new CountersignError(
      'CALL_WITHOUT_ID',
      'A call without an id has no answer that could carry its envelope.',
    );
  }
  const reading = readParams(method, message.params, message.parsed);
  if (reading.kind === 'refused') return reading.error;
  return reading.kind === 'relay' ? 'relay' : { request: message, shape: reading.shape };
}

/**
 * These act on another request or on a task by its id: the server must not read another one than we do. All else that
 * is relayed may be as odd as it likes.
 */
function hasAmbiguousParams({ method, params, parsed }: Request | Notification): boolean {
  const actsOnAnother = method === 'notifications/cancelled' || method.startsWith('tasks/');
  return actsOnAnother && params !== undefined && ambiguityWithin(parsed, params) !== undefined;
}

function isRelayed(
  element: SingleMessage,
  opened: readonly RelayPattern[],
): element is Request | Notification | Response {
  return element.kind !== 'refusal' && standingOf(element, opened) === 'relay' && !actsOnCalls(element);
}

/** A cancellation is looked at by itself: it may be for a call that the server must not hear of. */
function actsOnCalls(element: Request | Notification | Response): boolean {
  return element.kind === 'notification' && element.method === 'notifications/cancelled';
}

function idsOf(messages: readonly (Request | Notification | Response)[]): readonly string[] {
  return messages.flatMap((message) => (message.kind === 'request' ? [message.id.key] : []));
}

function refusal(
  error: CountersignError,
  of: { readonly wasJson: boolean; readonly id?: MessageId },
): RefusedRoute {
  return { kind: 'refused', error, isNotification: false, wasJson: of.wasJson, ...(of.id && { id: of.id }) };
}
