import type { JsonObject } from './json.ts';

/** A server is the digest of its resolved command or URL; the name is only what the operator calls it. */
export interface ServerRef {
  readonly name: string;
  /** Hex SHA-256 of the canonical form of the resolved command line or URL. */
  readonly digest: string;
}

/** A tool's definition as the server listed it, and what the operator has said of it. */
export interface ToolDefinition {
  /** Hex SHA-256 of the definition's raw bytes, number lexemes included. */
  readonly sha256: string;
  /** Whether an operator accepted exactly this definition. */
  readonly accepted: boolean;
  /** The server's own hints. Policy sees them only when `accepted`. */
  readonly annotations?: JsonObject;
  /** Property names that `inputSchema.properties` declares: the only ones whose pointers a statement may name. */
  readonly declaredProperties: readonly string[];
  /** Of a tool whose schema is enforced: why it does not admit these arguments, a sentence without their values. */
  readonly misfit?: (args: JsonObject) => string | undefined;
}

/** How a tool is known at the moment of the decision. */
export type ToolStanding =
  | { readonly kind: 'listed'; readonly definition: ToolDefinition }
  /** Not a tool but what makes a server work (`resources:read`); `listed` when the server statically lists it. */
  | { readonly kind: 'method'; readonly listed: boolean }
  | { readonly kind: 'unknown' }
  | { readonly kind: 'changed'; readonly pinned: string; readonly listed: string }
  | { readonly kind: 'server-changed'; readonly pinned: string };

/** One requested tool invocation. Every byte array in it is read-only: what was decided is what runs. */
export interface Call {
  /** A UUIDv7, made by the gateway. */
  readonly id: string;
  readonly server: ServerRef;
  /** A `tool` that the server lists, or another protocol `method` that makes a server work. */
  readonly kind: 'tool' | 'method';
  /** `write_file`; for what is not a tool but makes a server work, `resources:read`, `prompts:get`, … */
  readonly tool: string;
  /** The exact bytes of the whole `params` value: arguments, `_meta`, `inputResponses`, `requestState`. */
  readonly params: Uint8Array;
  /** The arguments, parsed once from `params`. */
  readonly arguments: JsonObject;
  /** The exact bytes that a target dispatches; `params` is a slice of their content. */
  readonly payload: Uint8Array;
  /** Protocol revision that the caller speaks, stated in the verdict. */
  readonly era: 'legacy' | 'modern';
  /** What the caller says of itself: stated, never a policy variable. */
  readonly client?: JsonObject;
  /** What the person asked for, as the caller tells it. */
  readonly request?: string;
  /** That the person confirmed exactly this call, as the caller tells it. */
  readonly confirmed?: true;
  /**
   * The same call with other arguments, where this wire can carry any: what policy changes is what runs. Undefined where it cannot
   * carry these.
   */
  readonly withArguments?: (args: JsonObject) => Pick<Call, 'params' | 'arguments' | 'payload'> | undefined;
  /** What it brings forth goes to the caller as it comes: nothing can be taken out of it, or withheld. */
  readonly isLive?: true;
}

/** What execution did. */
export type OutcomeKind = 'executed' | 'failed' | 'aborted' | 'unknown';
