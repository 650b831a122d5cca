import { memberOf, type JsonNode } from '../../../../call/json-node.ts';
import type { Notification, Request, Response } from '../../../mcp/message.ts';
import { replace, rewritten, withId, type Edit } from './rewrite.ts';

/**
 * What several servers ask one client at once. Their ids and progress tokens are their own and meet, so that the client gets
 * others, and what it says of them goes back under the server's.
 */
export interface ServerRequests {
  /** A server's request, as the client gets it; undefined when there are too many. */
  opened(server: string, request: Request): Uint8Array | undefined;
  /** A server gives a request up: how the client is told; undefined when there is none. */
  cancelled(server: string, notification: Notification): Uint8Array | undefined;
  /** Where the client's answer belongs, as the server gets it. */
  answered(response: Response): ForServer | undefined;
  /** The same for what the client reports of its progress. */
  progressed(notification: Notification): ForServer | undefined;
}

export interface ForServer {
  readonly server: string;
  readonly bytes: Uint8Array;
}

interface Open {
  readonly number: number;
  readonly server: string;
  readonly id: Request['id'];
  readonly token?: Uint8Array;
}

/** Requests of one server that a client may have open. */
const maxOpen = 256;

export function createServerRequests(): ServerRequests {
  const open = new Map<number, Open>();
  let count = 0;

  return {
    opened(server, request) {
      const before = [...open.values()].filter((other) => other.server === server).length;
      if (before >= maxOpen) return undefined;
      const number = ++count;
      const token = tokenOf(request);
      open.set(number, {
        number,
        server,
        id: request.id,
        ...(token && { token: request.frame.slice(token.start, token.end) }),
      });
      const edits: readonly Edit[] = token ? [replace(token, String(number))] : [];
      return rewritten(request, [...withId(request, String(number)), ...edits]);
    },
    cancelled(server, notification) {
      const id = notification.params && memberOf(notification.params, 'requestId');
      if (!id) return undefined;
      const key = idKey(id);
      const found = [...open.values()].find((other) => other.server === server && other.id.key === key);
      if (!found) return undefined;
      open.delete(found.number);
      return rewritten(notification, [replace(id, String(found.number))]);
    },
    answered(response) {
      const found = open.get(numberIn(response.id?.key));
      if (!found) return undefined;
      open.delete(found.number);
      return { server: found.server, bytes: rewritten(response, withId(response, found.id.raw)) };
    },
    progressed(notification) {
      const token = notification.params && memberOf(notification.params, 'progressToken');
      if (token?.kind !== 'number') return undefined;
      const found = open.get(token.value);
      if (!found?.token) return undefined;
      return { server: found.server, bytes: rewritten(notification, [replace(token, found.token)]) };
    },
  };
}

/** What names a request in another message, as `MessageId.key`. */
export function idKey(id: JsonNode | undefined): string {
  if (id?.kind === 'string') return `s:${id.value}`;
  return id?.kind === 'number' ? `n:${id.value}` : '';
}

function tokenOf({ params }: Request): JsonNode | undefined {
  const meta = params && memberOf(params, '_meta');
  return meta && memberOf(meta, 'progressToken');
}

function numberIn(key: string | undefined): number {
  return key?.startsWith('n:') ? Number(key.slice(2)) : NaN;
}
