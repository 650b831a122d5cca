import { concatBytes, fromUtf8, utf8 } from '../../../call/bytes.ts';
import type { Gate } from '../../../gate/gate.ts';
import type { Credentials } from '../../../identity/principal.ts';
import type { McpHttpConnection, PassedHeaders, UpstreamAuthority } from '../../../targets/mcp-http.ts';
import { doorsOf, type McpTarget } from '../../../targets/mcp-target.ts';
import { wireCodes } from '../../mcp/answers.ts';
import type { Era } from '../../mcp/era.ts';
import type { McpListing } from '../../mcp/listing.ts';
import { classify, type Message, type Request } from '../../mcp/message.ts';
import { paramPrefix } from '../../mcp/mirrored-headers.ts';
import { createRelay, type Conversation, type Relay } from '../../mcp/relay.ts';
import type { PostAnswer } from './post-answer.ts';
import { keysOf, progressTokensOf, requestsOf, type ProgressToken } from './request-ids.ts';
import type { McpUpstream } from './upstream.ts';

/** What every POST of one conversation is carried out with. */
export interface ExchangeParts {
  readonly upstream: Pick<McpUpstream, 'server' | 'opened'>;
  readonly gate: Gate;
  readonly listing: McpListing;
  readonly conversation: Conversation;
  readonly maxInFlight: number;
  readonly warn: (sentence: string) => void;
}

/** One POST of a client. */
export interface Post {
  readonly message: Message;
  readonly era: Era;
  readonly credentials: Credentials;
  readonly headers: PassedHeaders;
  readonly answer: PostAnswer;
}

/** One POST under way: what it asked, and how it is ended before its answer. */
export interface Exchange {
  /** The client's requests in it, by `MessageId.key`. */
  readonly keys: readonly string[];
  /** The tokens under which the server reports progress of them. */
  readonly progressTokens: readonly ProgressToken[];
  /** Sends a message that belongs to it. */
  deliver(bytes: Uint8Array): void;
  /** The client left, and what it asked for is to stop: the modern era's cancellation. */
  cancel(): void;
}

/** Carries a POST out over Streamable HTTP: the server's answer stream belongs to it alone. */
export function runHttpExchange(
  parts: ExchangeParts,
  post: Post,
  connection: McpHttpConnection,
  authority?: UpstreamAuthority,
): Exchange {
  const { answer, headers, message } = post;
  const keys = keysOf(message);
  const server = connection.exchange({
    headers,
    authority,
    onHead({ status, isStream }) {
      if (keys.length === 0) answer.done(toldStatus(status));
      else answer.head({ status: toldStatus(status), isStream });
    },
    onMessage: (frame) => relay.fromServer(frame),
    onClosed({ retryMs, isResumable }) {
      if (isResumable) answer.interrupt(retryMs);
    },
    onFailed({ keys: unanswered, status = 502, error }) {
      answer.head({ status: toldStatus(status), isStream: false });
      if (keys.length === 0) answer.done(toldStatus(status));
      else relay.giveUp(unanswered, error);
    },
  });
  // They go on as they are, and a server refuses arguments that they contradict.
  const fixesArguments = Object.keys(headers).some((name) => name.startsWith(paramPrefix));
  const relay: Relay = take(parts, post, server, keys, fixesArguments);
  return exchangeOf(post, keys, () => {
    relay.cancel(keys);
    server.abort();
  });
}

/** Carries a POST out over a server's one stream: its answers come back through the conversation. */
export function runPipeExchange(parts: ExchangeParts, post: Post, pipe: McpTarget): Exchange {
  const keys = keysOf(post.message);
  const relay = take(parts, post, pipe, keys);
  if (keys.length === 0) post.answer.done(202);
  return exchangeOf(post, keys, () => {
    for (const each of requestsOf(post.message)) relay.take(cancellationOf(each));
  });
}

/** Takes the POST in, through a relay whose answers are the POST's. */
function take(
  parts: ExchangeParts,
  { message, era, credentials, answer }: Post,
  server: McpTarget,
  keys: readonly string[],
  fixesArguments = false,
): Relay {
  const { upstream, conversation, ...rest } = parts;
  let isTaking = true;
  const sent: object[] = [];
  const target: McpTarget = {
    ...doorsOf(server),
    relay(frame) {
      sent.push(frame);
      server.relay(frame);
    },
  };
  const relay = createRelay(
    {
      ...rest,
      ...upstream,
      credentials: () => credentials,
      target,
      splitsBatches: true,
      fixesArguments,
      toClient: (bytes) => answer.message(bytes),
      asker: {
        // What is answered before any server was asked is refused.
        answer: (bytes, denied) => answer.answer(bytes, isTaking ? refusalStatus(bytes, era) : 200, denied),
        none: () => answer.done(isTaking ? 400 : 202),
      },
    },
    conversation,
  );
  relay.take(message);
  isTaking = false;
  // Such as the cancellation of a call that the server never heard of.
  if (keys.length === 0 && sent.length === 0) answer.done(202);
  return relay;
}

function exchangeOf({ answer, message }: Post, keys: readonly string[], cancel: () => void): Exchange {
  return {
    keys,
    progressTokens: progressTokensOf(message),
    deliver: (bytes) => answer.message(bytes),
    cancel,
  };
}

/** Between a server and us alone: to the client it would say that its own key is no good. */
const ofOurOwn: ReadonlySet<number> = new Set([401, 403, 407]);

function toldStatus(status: number): number {
  return ofOurOwn.has(status) || status < 200 || (status >= 300 && status < 400) ? 502 : status;
}

/** The status of a refusal of ours. To a legacy client 404 would say that its session is gone. */
export function refusalStatus(refusal: Uint8Array, era: Era): number {
  const { error } = JSON.parse(fromUtf8(refusal) ?? '{}') as { readonly error?: { readonly code?: number } };
  if (error?.code === wireCodes.methodNotFound) return era === 'modern' ? 404 : 200;
  return error?.code === wireCodes.refused ? 200 : 400;
}

function cancellationOf({ id }: Request): Message {
  return classify(
    concatBytes(
      utf8('{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":'),
      id.raw,
      utf8(',"reason":"The client closed the stream."}}\n'),
    ),
  );
}
