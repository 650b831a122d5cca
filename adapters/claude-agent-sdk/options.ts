import type { PreToolUseHookInput } from '@anthropic-ai/claude-agent-sdk';
import type { GovernOptions } from '../../src/adapter.ts';

/** What `identity` and `request` are given of a call. */
export type ClaudeCall = {
  /** What the query was last asked, for `request`. Absent before that is known, and for what no person or program has asked. */
  readonly prompt?: string | undefined;
} & (
  | /** Of a call that Claude Code carries out: what its hook was told. */
    { readonly hook: PreToolUseHookInput }
  /** Of a call of a `governedMcpServer`: what the SDK gives the tool's handler beside its arguments. */
  | { readonly extra: unknown }
);

export interface ClaudeGovernOptions extends GovernOptions<ClaudeCall> {
  /** Seconds that the gate may take, and then that a report may take; 60 unless told. A call that takes longer to decide does not run. */
  readonly timeout?: number;
  /**
   * Milliseconds that a call of Claude Code's own tools may take to be carried out, permission prompts included: ten minutes
   * unless told, and at most. What takes longer is not stopped, and its outcome is unknown.
   */
  readonly settleWithin?: number;
}

/** Whether a call comes to a server in this process whose handlers ask the gate. Its name alone says nothing: others may take it. */
export type DecidesItself = (
  server: { readonly name: string; readonly source: string } | undefined,
) => boolean;
