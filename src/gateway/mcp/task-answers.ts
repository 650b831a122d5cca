import { memberOf } from '../../call/json-node.ts';
import { CountersignError } from '../../errors.ts';
import { executionOf, executionOfState } from './execution.ts';
import type { InFlight } from './in-flight.ts';
import { classify, type Notification, type Response } from './message.ts';
import type { RelayState } from './relay-state.ts';
import { refuseRequest, unusableAnswer } from './requests.ts';
import type { ServerAnswer } from './server-answer.ts';
import { rawAnswer } from './server-answer.ts';
import { endIn, isForged, settledMessage, type TaskEnd } from './task-end.ts';
import type { Settled } from './tasks.ts';

/** Whether the answer to a request can be, or hold, the result of a call that went on as a task. */
export function asksForTask({ method, taskId }: InFlight): boolean {
  return taskId !== undefined && askingForTask.has(method);
}

const askingForTask: ReadonlySet<string> = new Set([
  'tasks/result',
  'tasks/get',
  'tasks/cancel',
  'tasks/update',
]);

/** Passes on what the server says of a task; its result with the envelope of the call that began it. */
export function answerTask(state: RelayState, entry: InFlight, answer: ServerAnswer): void {
  const { taskId = '', method } = entry;
  const end = endIn(answer.message, method);
  if (!end) {
    noteState(state, taskId, answer.message);
    return entry.reply.answer(rawAnswer(answer), answer.terminator);
  }
  if (!state.tasks.isKnown(taskId)) return answerUnknown(entry, answer, end);
  settle(state, taskId, end, (settled) => {
    if (!settled) return refuseRequest(entry, anotherResult);
    const told = settledMessage(end, settled, method);
    if (told) entry.reply.answer(told, answer.terminator);
    else refuseRequest(entry, unusableAnswer);
  });
}

function settle(
  { tasks, running }: RelayState,
  taskId: string,
  { execution }: TaskEnd,
  tell: (settled: Settled | undefined) => void,
): void {
  const telling = tasks
    .ended(taskId, execution)
    .then(tell)
    .finally(() => running.delete(telling));
  running.add(telling);
}

/** What the rules take out of a result they can take out once: another one of the same task is nobody's to have. */
const anotherResult = new CountersignError(
  'UPSTREAM_INVALID',
  'The server gives this task another result than the one that its call was settled with.',
);

/** Nothing is known of the task: its result passes, unless it brings an envelope that we never made. */
function answerUnknown(entry: InFlight, answer: ServerAnswer, end: TaskEnd): void {
  if (isForged(end)) refuseRequest(entry, unusableAnswer);
  else entry.reply.answer(rawAnswer(answer), answer.terminator);
}

/** The server does not know such a request or task: that says nothing of how the task ended. */
const notAboutTheTask: ReadonlySet<unknown> = new Set([-32600, -32601, -32602]);

function noteState(state: RelayState, taskId: string, message: Response): void {
  if (message.error !== undefined) {
    if (!notAboutTheTask.has(memberOf(message.error, 'code')?.value)) {
      state.tasks.reported(taskId, executionOf(message, false));
    }
    return;
  }
  const execution = executionOfState(message.result, message);
  if (execution) state.tasks.reported(taskId, execution);
}

const statusNotifications: ReadonlySet<string> = new Set([
  'notifications/tasks/status',
  'notifications/tasks',
]);

/** A status notification may be the last that is heard of a task. */
export function noteTaskStatus({ tasks }: RelayState, notification: Notification): void {
  const { params } = notification;
  const taskId = taskOf(notification);
  if (!params || taskId === undefined) return;
  const execution = executionOfState(params, notification);
  if (execution) tasks.reported(taskId, execution);
}

/** What a status notification has of a task's result, if it has any: then it passes as an answer does. */
export function endToldBy(notification: Notification): TaskEnd | undefined {
  return statusNotifications.has(notification.method) ? endIn(notification, notification.method) : undefined;
}

/** Settles the call of a task whose result a notification brings, and passes on what the client may have of it. */
export function passTaskEnd(
  state: RelayState,
  notification: Notification,
  end: TaskEnd,
  pass: (notification: Notification) => void,
): void {
  const { method } = notification;
  const taskId = taskOf(notification);
  if (taskId === undefined || !state.tasks.isKnown(taskId)) return state.warn(unasked);
  settle(state, taskId, end, (settled) => {
    const told = settled && settledMessage(end, settled, method);
    const message = told && classify(told);
    if (message?.kind === 'notification') pass(message);
    else state.warn(unasked);
  });
}

const unasked = 'A result that the server told of a task was dropped: no call here is waiting for it.';

function taskOf({ method, params }: Notification): string | undefined {
  const taskId = params && statusNotifications.has(method) ? memberOf(params, 'taskId')?.value : undefined;
  return typeof taskId === 'string' ? taskId : undefined;
}
