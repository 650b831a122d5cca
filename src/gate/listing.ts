import type { JsonObject } from '../call/json.ts';

/** A tool as its server lists it now. */
export interface ListedTool {
  /** The definition's exact bytes. */
  readonly raw: Uint8Array;
  /** Hex SHA-256 of `raw`. */
  readonly sha256: string;
  readonly annotations?: JsonObject;
  /** Property names that `inputSchema.properties` declares. */
  readonly declaredProperties: readonly string[];
}

/** What a server lists. Each method answers from the newest listing, and asks the server when there is none. */
export interface Listing {
  /** By tool name. A new map whenever the server listed anew. Rejects when the server gave no usable answer. */
  tools(): Promise<ReadonlyMap<string, ListedTool>>;
  /** Whether the server statically lists what a call of `method` (`resources:read`, …) refers to. */
  lists(method: string, args: JsonObject): Promise<boolean>;
}
