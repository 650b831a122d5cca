import type { McpTarget } from './mcp-target.ts';

/**
 * A server that says everything on one stream: a child process, or the HTTP+SSE transport of revision 2024-11-05. One
 * conversation has one of its own.
 */
export interface McpPipe extends McpTarget {
  /** Resolves once the server is gone and everything it said was handed over; then calls that ran are `unknown`. */
  readonly ended: Promise<{ readonly reason: string }>;
  /** Ends it: gently, then not. */
  close(): Promise<void>;
}
