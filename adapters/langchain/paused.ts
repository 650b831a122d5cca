import type { BaseCheckpointSaver } from '@langchain/langgraph';
import { decisionOf, isRecord, questionIn, type Question } from './human-decision.ts';

/**
 * What LangGraph knows of the task that a call runs in. It is LangGraph's own bookkeeping (seen in 1.7), read in this file alone;
 * where it is not as expected, nothing is taken for an answer.
 */
export interface Pausable {
  readonly configurable?: Readonly<Record<string, unknown>>;
}

interface Scratchpad {
  /** Of the last `interrupt()` in this attempt of the task; -1 before the first. */
  readonly interruptCounter: number;
  /** Answers by the position of their interrupt. */
  readonly resume: readonly unknown[];
  /** The answer that the run was resumed with, before somebody takes it. */
  readonly nullResume?: unknown;
  readonly currentTaskInput?: unknown;
}

/**
 * What was asked when this task paused for a person, if the answer is there now. Answers go by position: one to our question must
 * not reach an `interrupt()` of the tool itself, and the tool's are not ours.
 */
export async function answeredHere(config: Pausable): Promise<Question | undefined> {
  const pad = scratchpadOf(config);
  if (pad === undefined) return undefined;
  const waiting: unknown[] = pad.resume.slice(pad.interruptCounter + 1);
  if (pad.nullResume !== undefined) waiting.push(pad.nullResume);
  if (waiting.length === 0) return undefined;
  // The last answer is to what the task paused with. An earlier one of our shape was ours: then the tool ran, and paused itself.
  if (waiting.length > 1) return decisionOf(waiting[0]) && { meta: {} };
  return questionIn(await lastInterrupt(config));
}

/** Whether pausing this call would begin nothing else anew: the task is there for it alone. */
export function isAloneInItsTask(config: Pausable, id: string | undefined): boolean {
  const input = scratchpadOf(config)?.currentTaskInput;
  const calls = isRecord(input) && 'lg_tool_call' in input ? [input['lg_tool_call']] : lastCalls(input);
  const [only] = calls;
  return calls.length === 1 && isRecord(only) && only['id'] === id;
}

/** The calls of a turn that a tool node runs together. */
function lastCalls(input: unknown): readonly unknown[] {
  const messages: unknown = isRecord(input) ? input['messages'] : input;
  const last: unknown = Array.isArray(messages) ? messages.findLast(hasCalls) : undefined;
  return hasCalls(last) ? last.tool_calls : [];
}

function hasCalls(message: unknown): message is { readonly tool_calls: readonly unknown[] } {
  return isRecord(message) && Array.isArray(message['tool_calls']);
}

function scratchpadOf({ configurable }: Pausable): Scratchpad | undefined {
  const pad = configurable?.['__pregel_scratchpad'];
  const isKnown =
    isRecord(pad) && Array.isArray(pad['resume']) && typeof pad['interruptCounter'] === 'number';
  // The two members that were looked at are the ones that always stand there; the others are `unknown` in the type too.
  return isKnown ? (pad as unknown as Scratchpad) : undefined;
}

/** The value that this task paused with, from the checkpoint: another process may have been the one that paused. */
async function lastInterrupt({ configurable = {} }: Pausable): Promise<unknown> {
  const saver = configurable['__pregel_checkpointer'] as BaseCheckpointSaver | undefined;
  const namespace = configurable['checkpoint_ns'];
  if (typeof saver?.getTuple !== 'function' || typeof namespace !== 'string') return undefined;
  const parent = namespace.split('|').slice(0, -1).join('|');
  const checkpoints = configurable['checkpoint_map'];
  const saved = await saver.getTuple({
    configurable: {
      thread_id: configurable['thread_id'],
      checkpoint_ns: parent,
      ...(isRecord(checkpoints) && { checkpoint_id: checkpoints[parent] }),
    },
  });
  const task = configurable['__pregel_task_id'];
  const written = saved?.pendingWrites?.findLast(
    ([id, channel]) => id === task && channel === '__interrupt__',
  );
  const interrupts: unknown = written?.[2];
  const first: unknown = Array.isArray(interrupts) ? interrupts[0] : interrupts;
  return isRecord(first) ? first['value'] : undefined;
}
