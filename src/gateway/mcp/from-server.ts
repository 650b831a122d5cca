import { utf8 } from '../../call/bytes.ts';
import { answerCall, answerCallInvalidly, isCall } from './calls.ts';
import type { Frame } from './framer.ts';
import type { InFlight } from './in-flight.ts';
import type { Listed } from './listing.ts';
import type { Notification, Refusal, Request, SingleMessage } from './message.ts';
import { classify } from './message.ts';
import { ownAnswerOf } from './own-requests.ts';
import type { RelayState } from './relay-state.ts';
import { refuseRequest, unusableAnswer } from './requests.ts';
import type { ServerAnswer } from './server-answer.ts';
import { rawAnswer } from './server-answer.ts';
import { answerTask, asksForTask, endToldBy, noteTaskStatus, passTaskEnd } from './task-answers.ts';

/** One frame of the server: an answer to a call goes through the gate, all else that is well-formed passes. */
export function handleServerFrame(state: RelayState, frame: Frame): void {
  if (frame.fault) return state.warn(`A line of the server was dropped: ${frame.fault.message}`);
  // Another frame may follow a last line without an end, and would become part of it.
  const terminator = utf8(frame.terminator || '\n');
  const message = classify(frame.bytes);
  if (message.kind !== 'batch') return handle(state, message, { terminator, isAlone: true });

  if (!state.splitsBatches && message.elements.every((element) => passesRaw(state, element))) {
    for (const element of message.elements) note(state, element);
    state.toClient(frame.bytes, terminator);
  } else {
    for (const element of message.elements) handle(state, element, { terminator, isAlone: false });
  }
}

type Place = Omit<ServerAnswer, 'message'>;

function handle(state: RelayState, message: SingleMessage, place: Place): void {
  switch (message.kind) {
    case 'refusal':
      return dropRefused(state, message);
    case 'response':
      return takeAnswer(state, { message, ...place });
    case 'notification':
      return takeNotification(state, message, place);
    case 'request':
      return passOn(state, message, place);
  }
}

function takeNotification(state: RelayState, message: Notification, place: Place): void {
  const end = endToldBy(message);
  if (end) return passTaskEnd(state, message, end, (told) => passOn(state, told, place));
  noteNotification(state, message);
  passOn(state, message, place);
}

function passOn(state: RelayState, message: Request | Notification, { isAlone, terminator }: Place): void {
  const bytes = isAlone ? message.frame : message.bytes;
  if (state.onServerMessage) state.onServerMessage(message, bytes);
  else state.toClient(bytes, terminator);
}

function takeAnswer(state: RelayState, answer: ServerAnswer): void {
  const { message, terminator } = answer;
  // About a message whose id the server could not read: it answers no call, and can carry no envelope of one.
  if (!message.id) return state.toClient(rawAnswer(answer), terminator);
  const { key } = message.id;
  if (state.listing.own.isOurs(key)) return state.listing.own.answer(key, ownAnswerOf(message));

  const entry = state.inFlight.get(key);
  if (!entry) return dropUnasked(state, key);
  if (isCall(entry)) {
    if (!answerCall(state, entry, answer)) dropUnasked(state, key);
    return;
  }
  close(state, entry);
  if (asksForTask(entry)) answerTask(state, entry, answer);
  else entry.reply.answer(rawAnswer(answer), terminator);
}

/** An answer that nobody asked for could only pass for another one, with an envelope of its own making. */
function dropUnasked(state: RelayState, key: string): void {
  if (state.inFlight.isRetired(key)) state.inFlight.close(key);
  else state.warn('An answer of the server was dropped: no request with its id waits for one.');
}

function dropRefused(state: RelayState, { error, id }: Refusal): void {
  state.warn(`A line of the server was dropped (${error.code}): ${error.message}`);
  const entry = id && state.inFlight.get(id.key);
  if (!entry) return;
  if (isCall(entry)) {
    answerCallInvalidly(state, entry);
  } else {
    close(state, entry);
    refuseRequest(entry, unusableAnswer);
  }
}

/** A request that is relayed has its answer. */
function close({ inFlight, listing, gate }: RelayState, { id, method }: InFlight): void {
  inFlight.close(id.key);
  if (method === 'initialize') listing.initialized();
  // What the client was told anew just now is what the next call must be held against.
  const listed = listedBy.get(method);
  if (listed) listing.changed(listed);
  if (listed === 'tools') void gate.meetServer();
}

const listedBy: ReadonlyMap<string, Listed> = new Map([
  ['tools/list', 'tools'],
  ['resources/list', 'resources'],
  ['resources/templates/list', 'resources'],
  ['prompts/list', 'prompts'],
]);

const changeToldBy: ReadonlyMap<string, Listed> = new Map([
  ['notifications/tools/list_changed', 'tools'],
  ['notifications/resources/list_changed', 'resources'],
  ['notifications/prompts/list_changed', 'prompts'],
]);

function noteNotification(state: RelayState, notification: Notification): void {
  const listed = changeToldBy.get(notification.method);
  if (listed) state.listing.changed(listed);
  noteTaskStatus(state, notification);
}

/** Whether an element of a batch needs nothing done to its bytes. */
function passesRaw({ inFlight }: RelayState, element: SingleMessage): boolean {
  if (element.kind === 'refusal') return false;
  if (element.kind === 'notification') return endToldBy(element) === undefined;
  if (element.kind !== 'response' || !element.id) return true;
  const entry = inFlight.get(element.id.key);
  return entry !== undefined && !entry.reply.isGathered && !isCall(entry) && !asksForTask(entry);
}

function note(state: RelayState, element: SingleMessage): void {
  if (element.kind === 'notification') noteNotification(state, element);
  const entry = element.kind === 'response' && element.id && state.inFlight.get(element.id.key);
  if (entry) close(state, entry);
}
