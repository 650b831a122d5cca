import type { JsonObject } from '../../call/json.ts';

/** A tool as its server lists it. */
export interface KnownTool {
  readonly server: string;
  readonly name: string;
  /** The definition's `inputSchema`; absent where it has none. */
  readonly inputSchema?: JsonObject;
}

export interface KnownTools {
  readonly tools: readonly KnownTool[];
  /** Whether there are no other servers, so that a rule on another one is about nothing. */
  readonly complete: boolean;
}
