/** A tool of the AI SDK, as far as it matters here: 6 and 7 both make such. */
export interface GovernableTool {
  readonly type?: unknown;
  readonly description?: unknown;
  readonly inputSchema?: unknown;
  readonly needsApproval?: unknown;
  readonly isProviderExecuted?: unknown;
  readonly execute?: unknown;
}

/** What the SDK hands to `execute`, as far as it tells for whom a call is made. */
export interface ToolCallInfo {
  readonly toolCallId: string;
  readonly messages: readonly unknown[];
  readonly abortSignal?: AbortSignal | undefined;
  /** AI SDK 7: what `toolsContext` holds for this tool. */
  readonly context?: unknown;
  /** AI SDK 6. */
  readonly experimental_context?: unknown;
}

/** Answers a value, a promise of one, or an async iterable of parts, of which the last is the result. */
export type ExecuteTool = (input: unknown, info: ToolCallInfo) => unknown;

export function isExecutable(
  tool: GovernableTool,
): tool is GovernableTool & { readonly execute: ExecuteTool } {
  return typeof tool.execute === 'function';
}

/** A tool that the model's provider runs itself: no code of ours is asked. AI SDK 6 does not say so, but gives it no `execute`. */
export function isRunByProvider(tool: GovernableTool): boolean {
  return tool.type === 'provider' && (tool.isProviderExecuted ?? !isExecutable(tool)) === true;
}
