import { concatBytes, equalBytes, utf8 } from '../../call/bytes.ts';
import { mustRename } from '../../call/meta-keys.ts';
import { memberOf } from '../../call/json-node.ts';
import type { Denial } from '../../gate/gate.ts';
import type { Execution } from '../../targets/target.ts';
import { denialOfExecution, envelopeMember } from '../meta-members.ts';
import { denialResult } from './answers.ts';
import type { Era } from './era.ts';
import { executionOf, hasRoom } from './execution.ts';
import { classify, type Answer, type Notification, type Response } from './message.ts';
import { spliceMembers } from './splice.ts';
import { taskState } from './task-state.ts';
import type { Settled } from './tasks.ts';

/** What a call came to that went on as a task, where a message has it. */
export interface TaskEnd {
  /** The message, or what in it stands for the answer to the call. */
  readonly holder: Answer & { readonly result: NonNullable<Answer['result']> };
  readonly execution: Execution;
  /** Of the messages that have it so. */
  readonly era: Era;
}

/** All of the answer to `tasks/result`, and a part of a state: the modern answer to `tasks/get`, or a notification. */
export function endIn(message: Response | Notification, method: string): TaskEnd | undefined {
  if (message.kind === 'response' && message.error !== undefined) return undefined;
  const said = message.kind === 'response' ? message.result : message.params;
  if (said === undefined) return undefined;
  if (message.kind === 'response' && method === 'tasks/result') return endOf(message, said, 'legacy');
  const reported = taskState(said);
  if (reported.kind !== 'completed' || !reported.result) return undefined;
  return endOf(message, reported.result, 'modern');
}

function endOf(
  { bytes, frame, parsed, root }: Response | Notification,
  result: TaskEnd['holder']['result'],
  era: Era,
): TaskEnd {
  const holder = { bytes, frame, parsed, root, result };
  return { holder, execution: executionOf(holder, false), era };
}

/** Whether it brings an envelope that we never made. */
export function isForged({ holder }: TaskEnd): boolean {
  const meta = memberOf(holder.result, '_meta');
  return meta?.kind === 'object' && meta.members.some(({ key }) => mustRename(key));
}

/**
 * The message with the end as the client may have it, and with its envelope: what the rules took out is gone, and what they withhold
 * reads as the failure of a tool. Undefined where there is nothing usable left.
 */
export function settledMessage(end: TaskEnd, settled: Settled, method: string): Uint8Array | undefined {
  const { envelopes } = settled;
  if (end.execution.kind === 'none') return undefined;
  if (settled.denial) return refusedMessage(end, settled.denial, envelopes);
  const { execution } = settled;
  if (execution.kind === 'none') return refusedMessage(end, denialOfExecution(execution), envelopes);
  const told = changedEnd(end, answerIn(execution), method);
  return told && hasRoom(told.holder) ? spliceMembers(told.holder, [envelopeMember(envelopes)]) : undefined;
}

function answerIn(execution: Exclude<Execution, { kind: 'none' }>): Uint8Array {
  return execution.kind === 'result' ? execution.result : execution.error;
}

/** The call may have been settled by another message, with another id: what is compared and put in is the result alone. */
function changedEnd(end: TaskEnd, result: Uint8Array, method: string): TaskEnd | undefined {
  const { frame, result: node } = end.holder;
  if (equalBytes(result, frame.subarray(node.start, node.end))) return end;
  const message = classify(replaced(end, result));
  return message.kind === 'response' || message.kind === 'notification' ? endIn(message, method) : undefined;
}

function refusedMessage(end: TaskEnd, denial: Denial, envelopes: Settled['envelopes']): Uint8Array {
  return replaced(end, utf8(denialResult({ era: end.era, denial, envelopes })));
}

function replaced({ holder: { frame, root, result } }: TaskEnd, by: Uint8Array): Uint8Array {
  return concatBytes(frame.subarray(root.start, result.start), by, frame.subarray(result.end, root.end));
}
