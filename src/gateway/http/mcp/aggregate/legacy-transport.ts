import { memberOf } from '../../../../call/json-node.ts';
import type { McpHttpConnection, McpHttpExchange, ServerMessage } from '../../../../targets/mcp-http.ts';
import type { McpPipe } from '../../../../targets/mcp-pipe.ts';
import { doorsOf } from '../../../../targets/mcp-target.ts';
import type { Frame } from '../../../mcp/framer.ts';
import { classify } from '../../../mcp/message.ts';
import type { McpTransport } from '../upstream.ts';
import { cacheable, complete } from './own-messages.ts';
import { edited, prepend } from './rewrite.ts';

/**
 * A server of the revisions with sessions, as a client of 2026-07-28 is to see it. Its results are completed before the gate
 * sees them: what is signed is what the client gets.
 */
export function forModernClients(transport: McpTransport): McpTransport {
  return transport.kind === 'pipe'
    ? {
        kind: 'pipe',
        async connect(onFrame, onRefused) {
          const pipe = await transport.connect((frame) => onFrame(completedMessage(frame)), onRefused);
          return { ...doorsOf(pipe), ended: pipe.ended, close: () => pipe.close() } satisfies McpPipe;
        },
      }
    : { kind: 'http', connect: () => completing(transport.connect()) };
}

function completing(connection: McpHttpConnection): McpHttpConnection {
  return {
    exchange(events) {
      const exchange = connection.exchange({
        ...events,
        onMessage: (message) => events.onMessage(completedMessage(message)),
      });
      return { ...doorsOf(exchange), abort: () => exchange.abort() } satisfies McpHttpExchange;
    },
    listen: (events, headers, signal) => connection.listen(events, headers, signal),
    get isLost() {
      return connection.isLost;
    },
    end: () => connection.end(),
  };
}

function completedMessage<T extends ServerMessage | Frame>(said: T): T {
  return said.fault ? said : { ...said, bytes: completed(said.bytes) };
}

/** A response whose result says that it is complete, as each one of the modern era does. All else is left as it is. */
export function completed(said: Uint8Array): Uint8Array {
  const message = classify(said);
  if (message.kind !== 'response' || message.result?.kind !== 'object') return said;
  const { frame, root, result } = message;
  if (memberOf(result, 'resultType') !== undefined) return said;
  const isRead = memberOf(result, 'contents') !== undefined && memberOf(result, 'ttlMs') === undefined;
  const members = isRead ? `${complete},${cacheable(0)}` : complete;
  return edited(frame, root, [prepend(result, members)]);
}
