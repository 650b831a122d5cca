import type { McpPipe } from '../../../targets/mcp-pipe.ts';
import { createMcpListing } from '../../mcp/listing.ts';
import type { Notification, Request } from '../../mcp/message.ts';
import { createConversation, type Relay } from '../../mcp/relay.ts';
import {
  closeConversation,
  definitionIn,
  listeningRelay,
  type ConversationOptions,
  type McpConversation,
} from './conversation.ts';
import { runPipeExchange, type Exchange, type ExchangeParts } from './exchange.ts';
import { keysOf, progressTokensOf, reportedToken, subscriptionKey } from './request-ids.ts';
import type { McpTransport } from './upstream.ts';

/**
 * A conversation over a server's one stream: what it says beside its answers is brought to the request that it belongs to, or
 * to the stream that belongs to none.
 */
export async function createPipeConversation(
  { upstream, maxInFlight, warn, seals }: ConversationOptions,
  transport: Extract<McpTransport, { kind: 'pipe' }>,
  onGone: () => void,
): Promise<McpConversation> {
  const exchanges = new Set<Exchange>();
  let standalone: (bytes: Uint8Array) => void = unheard;
  // A server that speaks before it is asked says nothing that anybody waits for.
  const heard: { by?: Relay } = {};
  const pipe: McpPipe = await transport.connect(
    (frame) => heard.by?.fromServer(frame),
    (keys, error) => {
      for (const key of keys) listing.own.answer(key, { kind: 'error', code: undefined });
      heard.by?.giveUp(keys, error);
    },
  );
  const listing = createMcpListing(pipe);
  const gate = upstream.gateFor(listing);
  const conversation = createConversation(gate, undefined, seals);
  const parts: ExchangeParts = { upstream, gate, listing, conversation, maxInFlight, warn };
  const relay = listeningRelay(parts, pipe, {
    toClient: (bytes) => standalone(bytes),
    onServerMessage(message, bytes) {
      const exchange = exchangeOf([...exchanges], message);
      if (exchange) exchange.deliver(bytes);
      else standalone(bytes);
    },
  });
  heard.by = relay;
  void pipe.ended.then(({ reason }) => {
    warn(`The server ${upstream.server.name} has ended (${reason}).`);
    relay.serverGone();
    onGone();
  });

  return {
    run(post) {
      const exchange = runPipeExchange(parts, post, pipe);
      exchanges.add(exchange);
      void post.answer.ended.then(() => exchanges.delete(exchange));
      return exchange;
    },
    definitionOf: (tool, asker) => definitionIn(listing, tool, asker),
    hasRoomFor({ message }) {
      const tokens = progressTokensOf(message);
      return (
        keysOf(message).every((key) => !conversation.inFlight.isTaken(key)) &&
        ![...exchanges].some(({ progressTokens }) => progressTokens.some((token) => tokens.includes(token)))
      );
    },
    isLost: false,
    get isIdle() {
      return exchanges.size === 0 && conversation.running.size === 0 && conversation.inFlight.size === 0;
    },
    listen(_headers, deliver) {
      standalone = deliver;
      return Promise.resolve(200);
    },
    end: () => Promise.resolve(204),
    close: () => closeConversation(relay, gate, () => pipe.close()),
  };
}

/** Until a client listens to what belongs to no request, nobody does. */
function unheard(): void {}

/** Messages that a server sends because of a request, though they do not say of which. */
const ofSomeRequest = /^(?:sampling|elicitation|roots)\/|^notifications\/message$/;

/** The request that a message belongs to; where that cannot be told, the newest one of those that it could belong to. */
function exchangeOf(exchanges: readonly Exchange[], message: Request | Notification): Exchange | undefined {
  const token = reportedToken(message);
  if (token !== undefined) return exchanges.find(({ progressTokens }) => progressTokens.includes(token));
  const subscription = subscriptionKey(message);
  if (subscription !== undefined) return exchanges.find(({ keys }) => keys.includes(subscription));
  if (!ofSomeRequest.test(message.method)) return undefined;
  return exchanges.findLast(({ keys }) => keys.length > 0);
}
