import { utf8 } from '../call/bytes.ts';
import { toCountersignError, CountersignError } from '../errors.ts';
import type {
  ExchangeEvents,
  McpHttpExchange,
  PassedHeaders,
  ServerMessage,
  UpstreamAuthority,
} from './mcp-http.ts';
import type { Errand } from './mcp-http-errand.ts';
import { afterAnswerMs, runErrand } from './mcp-http-errand.ts';
import type { Failure } from './mcp-http-failure.ts';
import { executionOf, invalid, withoutAuthority } from './mcp-http-failure.ts';
import type { McpHttpPeer } from './mcp-http-request.ts';
import type { WaitingIds } from './mcp-message-ids.ts';
import { createWaitingIds } from './mcp-message-ids.ts';
import { redeemRelayFrame } from './mcp-relay-frame.ts';
import { redeemForNow, stopped, whyNotNow } from './no-answer.ts';

/** What one request of the client, or one batch, makes us send. Each message goes in a POST of its own. */
export function createMcpHttpExchange(peer: McpHttpPeer, events: ExchangeEvents): McpHttpExchange {
  const { awaited, options } = peer;
  const { headers, authority } = events;
  const { headersMs } = options.limits;
  const aborting = new AbortController();
  const told = untilAborted(events, aborting.signal);
  const tell = (failure: Failure | undefined, { keys }: WaitingIds): void => {
    if (!failure) return;
    const { status, error } = failure;
    events.onFailed({ keys, error, ...(status !== undefined && { status }) });
  };

  return {
    async execute(permit, signal) {
      const refusal = redeemForNow(permit, signal);
      if (refusal) return refusal;
      let sender = authority;
      if (authority) {
        try {
          sender = alwaysSaying(authority, await authority.authorization());
        } catch (error) {
          return withoutAuthority(error);
        }
        // Asking took its time.
        const late = whyNotNow(permit, signal);
        if (late) return late;
      }
      if (aborting.signal.aborted) return stopped(undefined, 'aborted', 'before it was sent; nothing ran.');
      const { id, payload } = permit.call;
      const execution = awaited.add(permit, signal);
      const over = new AbortController();
      let timer: ReturnType<typeof setTimeout> | undefined;
      // Its lease bounds how long the server may take, and nothing here: some think before they send a status line.
      void run(peer, {
        ...told,
        body: payload,
        headers,
        authority: sender,
        signal: AbortSignal.any([aborting.signal, over.signal]),
        isWaiting: () => awaited.has(id),
        takesNameless: false,
      }).then((failure) => {
        clearTimeout(timer);
        awaited.settle(id, aborting.signal.aborted ? leftAlone : executionOf(failure ?? lost));
      });
      // Cancelled, or its lease ended: nobody reads the answer any more. It may also have come on another stream.
      void execution.then(({ kind }) => {
        if (kind === 'none') over.abort();
        else timer = setTimeout(() => over.abort(), afterAnswerMs);
      });
      return execution;
    },
    relay(frame) {
      if (!redeemRelayFrame(frame))
        throw new CountersignError('INTERNAL', 'A frame was forwarded twice or is not genuine.');
      const ids = createWaitingIds(frame.bytes);
      void run(peer, {
        ...relayed(ids, told),
        body: frame.bytes,
        headers,
        authority,
        signal: aborting.signal,
        withinMs: headersMs,
      }).then((failure) => {
        if (!aborting.signal.aborted) tell(failure, ids);
      });
    },
    list(id, method, params) {
      const body = utf8(
        `{"jsonrpc":"2.0","id":${JSON.stringify(id)},"method":"${method}","params":${params}}\n`,
      );
      const ids = createWaitingIds(body);
      const over = new AbortController();
      const timer = setTimeout(() => over.abort(), headersMs);
      void run(peer, {
        // What is listed is for everybody: it comes also when the client of this exchange has left.
        ...relayed(ids, { onHead: ignore, onClosed: ignore, onMessage: events.onMessage }),
        body,
        headers: listHeaders(peer, method, params),
        authority,
        signal: over.signal,
      }).then((failure) => {
        clearTimeout(timer);
        tell(failure, ids);
      });
    },
    isAwaiting: (callId) => awaited.has(callId),
    answer: (callId, execution) => awaited.settle(callId, execution),
    abort: () => aborting.abort(),
  };
}

/** The same authority, that need not be asked again: a call that has a token is sent with it, and at once. */
function alwaysSaying(authority: UpstreamAuthority, authorization: string): UpstreamAuthority {
  return {
    authorization: () => Promise.resolve(authorization),
    refused: (said) => authority.refused(said),
  };
}

type Told = Pick<Errand, 'onHead' | 'onMessage' | 'onClosed'>;

/** After an abort nobody wants to hear of what was under way. */
function untilAborted({ onHead, onMessage, onClosed }: ExchangeEvents, signal: AbortSignal): Told {
  return {
    onHead: (head) => signal.aborted || onHead(head),
    onMessage: (message) => (signal.aborted ? undefined : onMessage(message)),
    onClosed: (closed) => signal.aborted || onClosed(closed),
  };
}

function relayed(ids: WaitingIds, told: Told): Told & Pick<Errand, 'isWaiting' | 'takesNameless'> {
  return {
    ...told,
    isWaiting: () => !ids.isEmpty,
    takesNameless: true,
    async onMessage(message: ServerMessage) {
      if (!message.fault) ids.answered(message.bytes);
      await told.onMessage(message);
    },
  };
}

/** Whatever goes wrong in here, who waits is told. */
async function run(peer: McpHttpPeer, errand: Errand): Promise<Failure | undefined> {
  try {
    return await runErrand(peer, errand);
  } catch (error) {
    return {
      error: toCountersignError(error, 'INTERNAL', 'An answer could not be handed on.'),
      wasSent: true,
    };
  }
}

const metaVersion = 'io.modelcontextprotocol/protocolVersion';

/**
 * A request of our own says itself what its headers must say: in the modern era they have to match the body, and those of
 * the client's request are about another body.
 */
function listHeaders({ session }: McpHttpPeer, method: string, params: string): PassedHeaders {
  const { _meta: meta } = JSON.parse(params) as { _meta?: Record<string, unknown> };
  const version = meta?.[metaVersion];
  if (typeof version === 'string') return { 'mcp-protocol-version': version, 'mcp-method': method };
  return session.version === undefined ? {} : { 'mcp-protocol-version': session.version };
}

const leftAlone = stopped(undefined, 'unknown', 'after it was sent; it may have run.');

/** It was answered, and the relay did not take the answer for one. */
const lost: Failure = {
  error: invalid('The answer of the server is none to this call.'),
  wasSent: true,
};

function ignore(): void {
  // Of our own requests only their answers matter.
}
