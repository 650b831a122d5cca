import type { Gate } from '../../../gate/gate.ts';
import type { ExchangeEvents, McpHttpConnection } from '../../../targets/mcp-http.ts';
import { createMcpListing, timesOverHttp, type McpListing } from '../../mcp/listing.ts';
import { createConversation } from '../../mcp/relay.ts';
import type { Tasks } from '../../mcp/tasks.ts';
import {
  closeConversation,
  definitionIn,
  listeningRelay,
  type ConversationOptions,
  type McpConversation,
} from './conversation.ts';
import { runHttpExchange, type ExchangeParts } from './exchange.ts';
import { inWhoseName, type InWhoseName } from './in-whose-name.ts';

/** What the conversations of modern clients with one server have in common, as none of them is more than one request. */
export interface SharedListing {
  readonly listing: McpListing;
  readonly gate: Gate;
  readonly tasks: Tasks;
  readonly names: InWhoseName;
}

export interface HttpConversation
  extends McpConversation, Pick<SharedListing, 'listing' | 'gate' | 'names'> {}

/** A conversation over Streamable HTTP: each POST has an answer of its own. */
export function createHttpConversation(
  { upstream, maxInFlight, warn, seals }: ConversationOptions,
  connection: McpHttpConnection,
  shared?: SharedListing,
): HttpConversation {
  const listing = shared?.listing ?? createMcpListing({ list: askOwn }, timesOverHttp);
  const gate = shared?.gate ?? upstream.gateFor(listing);
  const names = shared?.names ?? inWhoseName(upstream);
  const conversation = createConversation(gate, shared?.tasks, seals);
  const parts: ExchangeParts = { upstream, gate, listing, conversation, maxInFlight, warn };
  const silent = listeningRelay(parts, connection.exchange(unheard), { toClient: () => undefined });
  const closed = new AbortController();

  /** Asks the server what it lists, in an exchange that no client sees. */
  function askOwn(
    ...[id, method, params]: Parameters<ReturnType<McpHttpConnection['exchange']>['list']>
  ): void {
    connection
      .exchange({
        ...unheard,
        authority: names.latest,
        onMessage: (frame) => silent.fromServer(frame),
        onFailed: () => listing.own.answer(`s:${id}`, { kind: 'error', code: undefined }),
      })
      .list(id, method, params);
  }

  return {
    listing,
    gate,
    names,
    run: (post) => runHttpExchange(parts, post, connection, names.of(post)),
    get isLost() {
      return connection.isLost;
    },
    definitionOf: (tool, asker) => definitionIn(listing, tool, asker),
    hasRoomFor: () => true,
    get isIdle() {
      return conversation.running.size === 0 && conversation.inFlight.size === 0;
    },
    listen(headers, deliver) {
      const relay = listeningRelay(parts, connection.exchange(unheard), {
        toClient: deliver,
      });
      return connection.listen(
        {
          authority: names.latest,
          onMessage: (frame) => relay.fromServer(frame),
          onClosed: () => undefined,
        },
        headers,
        closed.signal,
      );
    },
    end: async () => (await connection.end()) ?? 204,
    async close() {
      await closeConversation(silent, shared ? undefined : gate, async () => {
        closed.abort();
        await connection.end();
      });
    },
  };
}

/** Of an exchange that nothing is sent through: it shares what is awaited on the connection. */
const unheard: ExchangeEvents = {
  headers: {},
  onHead: () => undefined,
  onMessage: () => undefined,
  onClosed: () => undefined,
  onFailed: () => undefined,
};
