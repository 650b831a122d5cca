import type { Gate } from '../../../gate/gate.ts';
import type { PassedHeaders } from '../../../targets/mcp-http.ts';
import type { McpTarget } from '../../../targets/mcp-target.ts';
import { createRelay, type Relay, type RelayOptions } from '../../mcp/relay.ts';
import type { ConfirmSeals } from '../../mcp/confirm-seal.ts';
import type { McpListing } from '../../mcp/listing.ts';
import { callerMeta } from '../../mcp/client-info.ts';
import type { Request } from '../../mcp/message.ts';
import type { Exchange, ExchangeParts, Post } from './exchange.ts';
import type { McpUpstream } from './upstream.ts';

/** One conversation with a server: a legacy session, or what modern requests share. */
export interface McpConversation {
  run(post: Post): Exchange;
  /** The definition of a tool as the server lists it to whoever asks so; undefined where it lists none, or cannot be asked. */
  definitionOf(tool: string, asker: Request): Promise<Uint8Array | undefined>;
  /** Whether the ids and progress tokens of this POST are free here. */
  hasRoomFor(post: Post): boolean;
  /** Whether the server no longer knows it. */
  readonly isLost: boolean;
  /** Whether nothing is under way. */
  readonly isIdle: boolean;
  /**
   * Opens the stream that belongs to no request. Resolves to 200, or the status with which the server says that it has none.
   */
  listen(headers: PassedHeaders, deliver: (bytes: Uint8Array) => void): Promise<number>;
  /** Ends the server's session as the client asks; resolves to the status that the server gives it. */
  end(): Promise<number>;
  /** Ends everything, and settles what runs. */
  close(): Promise<void>;
}

export interface ConversationOptions {
  readonly upstream: McpUpstream;
  /** Requests of one conversation that may wait for their answers. */
  readonly maxInFlight: number;
  readonly warn: (sentence: string) => void;
  /** What modern clients were asked, of all conversations with this server. */
  readonly seals?: ConfirmSeals;
}

/** A relay for what comes from the server unasked. Nobody asks through it, so that it brings no credentials. */
export function listeningRelay(
  { upstream, conversation, ...parts }: ExchangeParts,
  target: McpTarget,
  hear: Pick<RelayOptions, 'toClient' | 'onServerMessage'>,
): Relay {
  const nobody = { apiKey: undefined };
  return createRelay(
    { ...parts, ...upstream, ...hear, credentials: () => nobody, target, splitsBatches: true },
    conversation,
  );
}

export async function definitionIn(
  listing: McpListing,
  tool: string,
  asker: Request,
): Promise<Uint8Array | undefined> {
  listing.speaking(callerMeta(asker));
  const tools = await listing.tools().catch(() => undefined);
  return tools?.get(tool)?.raw;
}

/** Stops what runs, lets the server go, and records what became of it. */
export async function closeConversation(
  relay: Relay,
  gate: Pick<Gate, 'close'> | undefined,
  letGo: () => Promise<unknown>,
): Promise<void> {
  relay.cancelCalls();
  await relay.idle();
  await letGo();
  await relay.settled();
  await gate?.close();
}
