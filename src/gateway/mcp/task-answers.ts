import { utf8 } from '../../call/bytes.ts';
import { mustRename } from '../../call/meta-keys.ts';
import { memberOf } from '../../call/json-node.ts';
import type { Execution } from '../../targets/target.ts';
import { envelopeMember } from '../meta-members.ts';
import { denialAnswer } from './answers.ts';
import { executionOf, executionOfState } from './execution.ts';
import type { InFlight } from './in-flight.ts';
import type { Notification, Response } from './message.ts';
import type { RelayState } from './relay-state.ts';
import { refuseRequest, unusableAnswer } from './requests.ts';
import type { ServerAnswer } from './server-answer.ts';
import { rawAnswer, withMembers } from './server-answer.ts';
import { taskState } from './task-state.ts';
import type { Settled } from './tasks.ts';

const lineFeed = utf8('\n');

/** Whether the answer to a request can be, or hold, the result of a call that went on as a task. */
export function asksForTask({ method, taskId }: InFlight): boolean {
  return (
    taskId !== undefined && (method === 'tasks/result' || method === 'tasks/get' || method === 'tasks/cancel')
  );
}

/** Passes on what the server says of a task; its result with the envelope of the call that began it. */
export function answerTask(state: RelayState, entry: InFlight, answer: ServerAnswer): void {
  const { taskId = '' } = entry;
  const end = resultIn(entry, answer.message);
  if (!end) {
    noteState(state, taskId, answer.message);
    return entry.reply.answer(rawAnswer(answer), answer.terminator);
  }
  if (!state.tasks.isKnown(taskId)) return answerUnknown(entry, answer, end.holder);

  const answering = state.tasks
    .ended(taskId, end.execution)
    .then((settled) => answerSettled(entry, { ...answer, message: end.holder }, end.execution, settled))
    .finally(() => state.running.delete(answering));
  state.running.add(answering);
}

interface TaskEnd {
  /** The answer, or what in it stands for the answer to the call. */
  readonly holder: Response;
  readonly execution: Execution;
}

/** The call's result where this answer has it: all of `tasks/result`, and a part of a modern `tasks/get`. */
function resultIn({ method }: InFlight, message: Response): TaskEnd | undefined {
  if (message.error !== undefined) return undefined;
  if (method === 'tasks/result') return { holder: message, execution: executionOf(message, false) };
  const reported = taskState(message.result);
  if (reported.kind !== 'completed' || !reported.result) return undefined;
  const holder = { ...message, result: reported.result };
  return { holder, execution: executionOf(holder, false) };
}

function answerSettled(
  entry: InFlight,
  answer: ServerAnswer,
  execution: Execution,
  settled: Settled | undefined,
): void {
  const { id, reply } = entry;
  if (!settled) return answerUnknown(entry, answer, answer.message);
  const { envelopes } = settled;
  if ('denial' in settled) {
    const { denial } = settled;
    return reply.answer(
      denialAnswer({ id, method: 'tools/call', era: 'legacy', denial, envelopes }),
      lineFeed,
    );
  }
  if (execution.kind === 'none') return refuseRequest(entry, unusableAnswer);
  reply.answer(withMembers(answer, [envelopeMember(envelopes)]), answer.terminator);
}

/** Nothing is known of the task: its result passes, unless it brings an envelope that we never made. */
function answerUnknown(entry: InFlight, answer: ServerAnswer, holder: Response): void {
  const meta = holder.result && memberOf(holder.result, '_meta');
  const forged = meta?.kind === 'object' && meta.members.some(({ key }) => mustRename(key));
  if (forged) refuseRequest(entry, unusableAnswer);
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
  const { method, params } = notification;
  const taskId = params && statusNotifications.has(method) ? memberOf(params, 'taskId')?.value : undefined;
  if (!params || typeof taskId !== 'string') return;
  const execution = executionOfState(params, notification);
  if (execution) tasks.reported(taskId, execution);
}
