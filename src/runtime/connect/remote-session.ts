import { memberOf } from '../../call/json-node.ts';
import { grantHeader, humanTokenHeader } from '../../gateway/http/credentials.ts';
import type { Response as Answer } from '../../gateway/mcp/message.ts';
import type { GrantSource } from '../grants/grant-environment.ts';
import type { HumanTokenSource } from '../login/human-token.ts';
import type { Send } from './node-fetch.ts';

/** How requests reach a gate's MCP endpoint, and what a legacy handshake has agreed on. */
export interface RemoteSession {
  /** Of a legacy session: there is one once `initialize` was sent. */
  isLegacy: boolean;
  readonly hasId: boolean;
  post(body: Uint8Array, headers: Readonly<Record<string, string>>, how: HowToSend): Promise<Response>;
  /** The stream of a legacy session, from after the event that is named. */
  listen(lastEventId: string | undefined, signal: AbortSignal): Promise<Response>;
  /** Has the gate end the session (DELETE). */
  delete(signal: AbortSignal): Promise<void>;
  /** Keeps what the answer to `initialize` settles. */
  opened(id: string | null): void;
  agreed(answer: Answer): void;
}

export interface HowToSend {
  readonly signal: AbortSignal;
  readonly onSent?: () => void;
}

const eventStream = 'text/event-stream';
const sessionId = /^[\x21-\x7e]{1,1024}$/;

export interface RemoteSessionOptions {
  readonly endpoint: string;
  readonly apiKey: string;
  readonly humanToken?: HumanTokenSource | undefined;
  readonly grant?: GrantSource | undefined;
  readonly send: Send;
}

export function createRemoteSession({
  endpoint,
  apiKey,
  humanToken,
  grant,
  send,
}: RemoteSessionOptions): RemoteSession {
  let id: string | undefined;
  let version: string | undefined;
  const credentials = async (): Promise<Record<string, string>> => {
    const [token, granted] = await Promise.all([humanToken?.(), grant?.()]);
    return {
      authorization: `Bearer ${apiKey}`,
      ...(token !== undefined && { [humanTokenHeader]: token }),
      ...(granted !== undefined && { [grantHeader]: granted }),
    };
  };
  const own = (): Record<string, string> => ({
    ...(id !== undefined && { 'mcp-session-id': id }),
    ...(version !== undefined && { 'mcp-protocol-version': version }),
  });
  return {
    isLegacy: false,
    get hasId() {
      return id !== undefined;
    },
    post: async (body, headers, how) =>
      send(endpoint, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          accept: `application/json, ${eventStream}`,
          ...(await credentials()),
          ...own(),
          ...headers,
        },
        body,
        ...how,
      }),
    listen: async (lastEventId, signal) =>
      send(endpoint, {
        method: 'GET',
        headers: {
          accept: eventStream,
          ...(await credentials()),
          ...own(),
          ...(lastEventId && { 'last-event-id': lastEventId }),
        },
        signal,
      }),
    async delete(signal) {
      if (id === undefined) return;
      const headers = { ...(await credentials()), ...own() };
      const { body } = await send(endpoint, { method: 'DELETE', headers, signal });
      await body?.cancel();
    },
    opened(given) {
      if (given !== null && sessionId.test(given)) id = given;
    },
    agreed({ result }) {
      const stated = result && memberOf(result, 'protocolVersion')?.value;
      if (typeof stated === 'string' && /^[\x21-\x7e]{1,64}$/.test(stated)) version = stated;
    },
  };
}

export function isEventStream(response: Response): boolean {
  return /^text\/event-stream\s*(?:;|$)/i.test(response.headers.get('content-type') ?? '');
}
