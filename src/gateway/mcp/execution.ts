import { repeatedKey } from '../../call/json-node.ts';
import type { JsonNode } from '../../call/json-node.ts';
import type { Execution } from '../../targets/target.ts';
import type { Answer } from './message.ts';
import { spliceMembers } from './splice.ts';
import { taskState } from './task-state.ts';

const errorKeys: ReadonlySet<string> = new Set(['code', 'message', 'data']);

/** What the server's answer to a call says was done. */
export function executionOf(response: Answer, pending: boolean): Execution {
  if (!hasRoom(response)) return invalidAnswer;
  const { bytes: frame } = response;
  return response.error === undefined
    ? {
        kind: 'result',
        result: bytesOf(response, response.result),
        value: response.result.value,
        frame,
        pending,
      }
    : { kind: 'error', error: bytesOf(response, response.error), value: response.error.value, frame };
}

/** What a state that a server reported of a task says was done; undefined while the task goes on. */
export function executionOfState(
  state: JsonNode,
  holder: { readonly frame: Uint8Array; readonly bytes: Uint8Array },
): Execution | undefined {
  const reported = taskState(state);
  if (reported.kind === 'goes-on') return undefined;
  if (reported.kind === 'cancelled') return cancelledTask;
  const node = reported.kind === 'completed' ? (reported.result ?? state) : state;
  const bytes = holder.frame.subarray(node.start, node.end);
  return reported.kind === 'completed'
    ? { kind: 'result', result: bytes, value: node.value, frame: holder.bytes, pending: false }
    : { kind: 'error', error: bytes, value: node.value, frame: holder.bytes };
}

/** It was sent, and what came back is no answer: whether it ran nobody can tell. */
export const invalidAnswer = {
  kind: 'none',
  outcome: 'unknown',
  code: 'UPSTREAM_INVALID',
  message: 'The server gave an answer that is no valid result; the call may have run.',
} as const satisfies Execution;

const cancelledTask: Execution = {
  kind: 'none',
  outcome: 'aborted',
  code: 'CALLER_CANCELLED',
  message: 'The server reports that the task was cancelled.',
};

function bytesOf({ frame }: Answer, node: JsonNode): Uint8Array {
  return frame.subarray(node.start, node.end);
}

/** Whether the answer can carry an envelope, or would hide it behind a member of the same name. */
export function hasRoom(response: Answer): boolean {
  if (response.error !== undefined) {
    return response.error.kind === 'object' && !repeatedKey(response.parsed, response.error, errorKeys);
  }
  try {
    spliceMembers(response, []);
    return true;
  } catch {
    return false;
  }
}
