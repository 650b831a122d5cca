import { equalBytes } from '../../call/bytes.ts';
import type { CallEnvelopes, Denial, Gate } from '../../gate/gate.ts';
import type { Execution } from '../../targets/target.ts';

/**
 * Calls that go on as tasks after their answer (2025-11-25, and the extension of 2026-07-28). A call's outcome is
 * settled with the result that the task ends in, so that the envelope and the result that the client gets belong
 * together; a task whose result nobody fetches is settled by the last state that the server reported.
 */
export interface Tasks {
  /** The server answered the call with a task. `envelopes` resolves once the gate is done with that answer. */
  created(taskId: string, callId: string, envelopes: Promise<CallEnvelopes | undefined>): void;
  isKnown(taskId: string): boolean;
  /**
   * The task's result. Settles the call the first time; undefined when there is nothing to say of these bytes: the call was settled
   * by others, or was never begun.
   */
  ended(taskId: string, execution: Execution): Promise<Settled | undefined>;
  /** The server says that the task is at its end; its result may still be asked for. */
  reported(taskId: string, execution: Execution): void;
  /** The session ends: settles what was reported. What was not is for the gate to call unknown. */
  close(): Promise<void>;
}

export type Settled =
  /** `execution` is what of it the client may have. */
  | { readonly execution: Execution; readonly envelopes: CallEnvelopes; readonly denial?: undefined }
  | { readonly denial: Denial; readonly envelopes: CallEnvelopes };

interface Task {
  readonly callId: string;
  readonly envelopes: Promise<CallEnvelopes | undefined>;
  reported?: Execution;
  settled?: { readonly by: Execution; readonly answer: Promise<Settled | undefined> };
}

/** Settled tasks are remembered so that a result that is fetched again has its envelope again. */
const maxRemembered = 1_024;

export function createTasks(gate: Pick<Gate, 'settleLater'>): Tasks {
  const tasks = new Map<string, Task>();

  const settle = async ({ callId, envelopes }: Task, execution: Execution): Promise<Settled | undefined> => {
    const verdict = await envelopes;
    if (!verdict) return undefined;
    const later = await gate.settleLater(callId, execution).catch(() => ({ denial: unrecorded }));
    if ('denial' in later) return { denial: later.denial, envelopes: verdict };
    const { outcome, openings } = later;
    return { execution: later.execution, envelopes: { verdict: verdict.verdict, outcome, openings } };
  };
  const settleOnce = (task: Task, execution: Execution): Promise<Settled | undefined> => {
    if (task.settled) {
      return sameBytes(task.settled.by, execution) ? task.settled.answer : Promise.resolve(undefined);
    }
    const answer = settle(task, execution);
    task.settled = { by: execution, answer };
    forgetOldest();
    return answer;
  };
  const forgetOldest = (): void => {
    if (tasks.size <= maxRemembered) return;
    for (const [taskId, { settled }] of tasks) {
      if (!settled) continue;
      tasks.delete(taskId);
      return;
    }
  };

  return {
    created(taskId, callId, envelopes) {
      const earlier = tasks.get(taskId);
      // Two calls cannot end in one task: what becomes of the earlier one can no longer be told.
      if (earlier) void settleOnce(earlier, reusedId);
      tasks.set(taskId, { callId, envelopes });
    },
    isKnown: (taskId) => tasks.has(taskId),
    async ended(taskId, execution) {
      const task = tasks.get(taskId);
      return task && settleOnce(task, execution);
    },
    reported(taskId, execution) {
      const task = tasks.get(taskId);
      if (!task) return;
      // No result will come of a cancelled task.
      if (execution.kind === 'none') void settleOnce(task, execution);
      else task.reported = execution;
    },
    async close() {
      for (const task of tasks.values()) {
        if (task.reported && !task.settled) void settleOnce(task, task.reported);
      }
      for (const { settled } of [...tasks.values()]) await settled?.answer;
    },
  };
}

const unrecorded: Denial = {
  code: 'OUTCOME_UNRECORDED',
  message: 'The outcome of the task could not be recorded: it may have run, do not retry it.',
  retryable: false,
};

const reusedId: Execution = {
  kind: 'none',
  outcome: 'unknown',
  code: 'UPSTREAM_INVALID',
  message: 'The server gave another call the id of this task.',
};

function sameBytes(one: Execution, other: Execution): boolean {
  return one.kind === 'result' && other.kind === 'result' && equalBytes(one.result, other.result);
}
