import { concatBytes, utf8 } from '../../call/bytes.ts';
import { memberOf } from '../../call/json-node.ts';
import { CountersignError } from '../../errors.ts';
import type { RelayFrame } from '../../targets/mcp-relay-frame.ts';
import { refusalAnswer } from './answers.ts';
import { createBatchReply } from './batch.ts';
import { isCall, startCall } from './calls.ts';
import { callerMeta, clientOfHandshake } from './client-info.ts';
import { handshakeElicits } from './confirm-question.ts';
import type { Frame } from './framer.ts';
import type { InFlight, Reply } from './in-flight.ts';
import type { Message, Notification, Request, SingleMessage } from './message.ts';
import { classify } from './message.ts';
import { ownAnswerOf } from './own-requests.ts';
import type { RelayState } from './relay-state.ts';
import { areFree, openRequest } from './requests.ts';
import type { RefusedRoute, RelayRoute, SingleRoute, SplitBatchRoute, WholeBatchRoute } from './route.ts';
import { routeMessage } from './route.ts';

const lineFeed = utf8('\n');
const nothing = new Uint8Array(0);

/** One frame of the client: forwarded, decided or refused. */
export function handleClientFrame(state: RelayState, frame: Frame): void {
  if (frame.fault) {
    const fault = { error: frame.fault, isNotification: false, wasJson: false };
    return refuse(state, fault, replyTo(state));
  }
  handleClientMessage(state, classify(concatBytes(frame.bytes, utf8(frame.terminator))));
}

/** One message that was read from its frame already. */
export function handleClientMessage(state: RelayState, message: Message): void {
  const reply = replyTo(state);
  const route = routeMessage(
    message,
    state.opened,
    (keys) => state.splitsBatches !== true && !holdsOurAnswer(state, message) && areFree(state, keys),
  );
  if (route.kind === 'whole-batch') relayBatch(state, route, reply);
  else if (route.kind === 'split-batch') splitBatch(state, route);
  else follow(state, route, reply);
}

function replyTo({ toClient, asker }: RelayState): Reply {
  return {
    isGathered: false,
    answer: (message, terminator, denied) =>
      asker ? asker.answer(message, denied) : toClient(message, terminator),
    none: () => asker?.none(),
  };
}

function follow(state: RelayState, route: SingleRoute, reply: Reply): void {
  switch (route.kind) {
    case 'call':
      return startCall(state, route, reply);
    case 'refused':
      return refuse(state, route, reply);
    case 'relay':
      return relay(state, route, reply);
  }
}

/** Whether an element answers a question of ours, which the server must not get. */
function holdsOurAnswer({ asked }: RelayState, message: Message): boolean {
  const isOurs = (element: SingleMessage): boolean =>
    element.kind === 'response' && element.id !== undefined && asked.isOurs(element.id.key);
  return message.kind === 'batch' && message.elements.some(isOurs);
}

function relay(state: RelayState, { message, frame }: RelayRoute, reply: Reply): void {
  if (message.kind === 'response' && message.id && state.asked.isOurs(message.id.key)) {
    return state.asked.answer(message.id.key, ownAnswerOf(message));
  }
  if (message.kind === 'request') {
    if (!openRequest(state, entryOf(message, reply))) return;
    // Our own requests that follow must be of the same era.
    state.listing.speaking(callerMeta(message));
    noteHandshake(state, message);
  } else if (message.kind === 'notification' && message.method === 'notifications/cancelled') {
    if (!cancel(state, message)) return;
  }
  forward(state, frame);
}

function entryOf({ id, method, params }: Request, reply: Reply): InFlight {
  const taskId = method.startsWith('tasks/') && params ? memberOf(params, 'taskId')?.value : undefined;
  return { id, method, reply, ...(typeof taskId === 'string' && { taskId }) };
}

function noteHandshake(state: RelayState, request: Request): void {
  if (request.method !== 'initialize') return;
  state.listing.initializing();
  const client = clientOfHandshake(request);
  if (client) state.known.clientInfo = client;
  state.known.canBeAsked = handshakeElicits(request);
}

function forward(state: RelayState, frame: RelayFrame): void {
  if (!state.known.isServerGone) state.target.relay(frame);
}

/** Stops what the client cancels. False if the server must not hear of it, since it never heard of the call. */
function cancel(state: RelayState, notification: Notification): boolean {
  const entry = state.inFlight.get(cancelledKey(notification));
  return entry ? stop(state, entry) : true;
}

/** Stops one request. False if it is a call that the server never heard of. */
export function stop(state: RelayState, entry: InFlight): boolean {
  if (!isCall(entry)) {
    state.inFlight.retire(entry.id.key);
    entry.reply.none();
    return true;
  }
  // Too late: what the server has answered goes to the client, as it would without us.
  if (entry.isAnswered) return true;
  const wasSent = state.target.isAwaiting(entry.callId);
  entry.isCancelled = true;
  entry.abort.abort(new CountersignError('CALLER_CANCELLED', 'The caller cancelled the call.'));
  return wasSent;
}

/** The key of the id that a cancellation names, read just as the id of a message is. */
function cancelledKey({ params, frame }: Notification): string {
  const requestId = params && memberOf(params, 'requestId');
  if (!requestId) return '';
  const id = frame.subarray(requestId.start, requestId.end);
  const message = classify(concatBytes(utf8('{"jsonrpc":"2.0","method":"ping","id":'), id, utf8('}')));
  return message.kind === 'request' ? message.id.key : '';
}

function refuse(state: RelayState, route: Omit<RefusedRoute, 'kind'>, reply: Reply): void {
  if (route.isNotification) {
    state.warn(`A notification of the client was not passed on (${route.error.code}).`);
    return reply.none();
  }
  reply.answer(refusalAnswer(route), lineFeed);
}

function relayBatch(state: RelayState, { messages, frame }: WholeBatchRoute, reply: Reply): void {
  for (const message of messages) {
    if (message.kind !== 'request') continue;
    state.inFlight.open(entryOf(message, reply));
    noteHandshake(state, message);
  }
  forward(state, frame);
}

/** Each element goes its own way; what answers there are become one array. */
function splitBatch(state: RelayState, { routes }: SplitBatchRoute): void {
  const awaitsAnswer = (route: SingleRoute): boolean =>
    route.kind === 'call' ||
    (route.kind === 'relay' ? route.message.kind === 'request' : !route.isNotification);
  const count = routes.filter(awaitsAnswer).length;
  const { answer } = replyTo(state);
  const gathered = createBatchReply(count, (array) => answer(array, nothing));
  const unanswered: Reply = { isGathered: true, answer: () => {}, none: () => {} };
  for (const route of routes) follow(state, route, awaitsAnswer(route) ? gathered : unanswered);
}
