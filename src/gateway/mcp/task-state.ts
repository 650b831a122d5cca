import type { JsonNode } from '../../call/json-node.ts';
import { memberOf } from '../../call/json-node.ts';

/**
 * The id of the task that a call's result announces: `resultType: "task"` with a `taskId` (2026-07-28), or a `task`
 * member (2025-11-25), which counts only if the call asked for a task.
 */
export function announcedTask(result: JsonNode, wasAskedFor: boolean): string | undefined {
  const isModern = memberOf(result, 'resultType')?.value === 'task';
  const holder = isModern ? result : wasAskedFor ? memberOf(result, 'task') : undefined;
  const taskId = holder && memberOf(holder, 'taskId')?.value;
  return typeof taskId === 'string' ? taskId : undefined;
}

/** A task's state, as `tasks/get` answers it and status notifications report it. */
export type TaskState =
  | { readonly kind: 'goes-on' }
  | { readonly kind: 'completed'; readonly result?: JsonNode }
  | { readonly kind: 'failed' | 'cancelled' };

export function taskState(state: JsonNode): TaskState {
  const status = memberOf(state, 'status')?.value;
  if (status === 'failed' || status === 'cancelled') return { kind: status };
  if (status !== 'completed') return { kind: 'goes-on' };
  // 2026-07-28 has the result in the state; in 2025-11-25 it is asked for by `tasks/result`.
  const result = memberOf(state, 'result');
  return { kind: 'completed', ...(result && { result }) };
}
