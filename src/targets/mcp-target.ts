import type { Execution, Target } from './target.ts';
import type { RelayFrame } from './mcp-relay-frame.ts';

/** What the gateway may ask a server on its own account. */
export type ListMethod = 'tools/list' | 'resources/list' | 'resources/templates/list' | 'prompts/list';

/**
 * An MCP server as the gateway sees it. Bytes reach it in three ways only: a permit's payload, a frame that was
 * established to be no call, and the listing requests that the target builds itself.
 */
export interface McpTarget extends Target {
  /** Forwards a frame that is not a call. A frame is forwarded once. */
  relay(frame: RelayFrame): void;
  /** Sends a listing request under an id of the gateway's own. `params` is the exact JSON text of an object. */
  list(id: string, method: ListMethod, params: string): void;
  /** Whether the call's bytes have left and its answer is awaited. */
  isAwaiting(callId: string): boolean;
  /** Hands in the answer of a dispatched call. What nobody waits for any more is ignored. */
  answer(callId: string, execution: Execution): void;
}

/** The same doors, for a target that does more behind one of them. */
export function doorsOf(target: McpTarget): McpTarget {
  return {
    relay: (frame) => target.relay(frame),
    execute: (permit, signal) => target.execute(permit, signal),
    list: (id, method, params) => target.list(id, method, params),
    isAwaiting: (callId) => target.isAwaiting(callId),
    answer: (callId, execution) => target.answer(callId, execution),
  };
}
