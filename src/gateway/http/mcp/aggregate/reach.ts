import type { JsonObject } from '../../../../call/json.ts';
import { CountersignError } from '../../../../errors.ts';
import type { Credentials } from '../../../../identity/principal.ts';
import type { PassedHeaders } from '../../../../targets/mcp-http.ts';
import { eraOf, type Era } from '../../../mcp/era.ts';
import { classify, type Message, type Response } from '../../../mcp/message.ts';
import type { McpConversation } from '../conversation.ts';
import type { Exchange, Post } from '../exchange.ts';
import { paramPrefix, versionHeader } from '../../../mcp/mirrored-headers.ts';
import { nameHeaders } from '../request-headers.ts';
import { createInnerAnswer, type Heard } from './inner-answer.ts';
import { rewritten, withMeta, withoutMeta } from './rewrite.ts';

/** A server that has introduced itself to one client. */
export interface Reach {
  readonly speaks: Era;
  /** The revision that is spoken with it. */
  readonly version: string;
  readonly capabilities: JsonObject;
  readonly instructions?: string;
  /** Members that `_meta` of each request needs which comes from a client of the other era. */
  readonly meta?: string;
  /** Where a message finds room: see `SingleRequests`. */
  conversationFor(post: Post): Promise<McpConversation>;
  close(): Promise<void>;
}

const modernKeys = ['protocolVersion', 'clientInfo', 'clientCapabilities'].map(
  (key) => `io.modelcontextprotocol/${key}`,
);

/** On whose behalf something is asked. */
export interface Caller {
  /** Whose sessions and tasks these are. */
  readonly owner: string;
  readonly era: Era;
  readonly credentials: Credentials;
  readonly headers: PassedHeaders;
  /** What a modern request of our own on its behalf has to say in its `_meta`, as JSON text; null in the legacy era. */
  readonly meta: string | null;
}

/** Carries one message to a server, as if the client had sent it there. `bytes` are one line. */
export async function carry(
  reach: Pick<Reach, 'speaks' | 'version' | 'meta' | 'conversationFor'>,
  bytes: Uint8Array,
  { credentials, headers }: Pick<Caller, 'credentials' | 'headers'>,
  heard: Heard,
): Promise<Exchange> {
  const message = inEraOf(reach, bytes);
  const post: Post = {
    message,
    era: message.kind === 'request' ? eraOf(message.params) : 'legacy',
    credentials,
    headers: headersOf(reach, message, headers),
    answer: createInnerAnswer(heard),
  };
  const conversation = await reach.conversationFor(post);
  return conversation.run(post);
}

/** What a message of the other era has to say of itself, or has no meaning to say: all else stays. */
function inEraOf({ speaks, meta }: Pick<Reach, 'speaks' | 'meta'>, bytes: Uint8Array): Message {
  const message = classify(bytes);
  if (message.kind !== 'request') return message;
  if (meta !== undefined) return classify(rewritten(message, withMeta(message, meta)));
  if (speaks === 'modern' || eraOf(message.params) === 'legacy') return message;
  return classify(rewritten(message, withoutMeta(message, modernKeys)));
}

/** In the modern era headers repeat the message, which may be another one than the client sent. */
export function headersOf(
  { speaks, version }: Pick<Reach, 'speaks' | 'version'>,
  message: Message,
  given: PassedHeaders,
): PassedHeaders {
  const accept = { accept: 'application/json, text/event-stream' };
  if (speaks === 'legacy') return { ...accept, ...(version !== '' && { [versionHeader]: version }) };
  const mirrored = Object.entries(given).filter(([name]) => name.startsWith(paramPrefix));
  return { ...accept, ...Object.fromEntries(mirrored), [versionHeader]: version, ...nameHeaders(message) };
}

/**
 * Asks one question. What the server says before its answer goes to `onMessage`.
 *
 * @throws CountersignError `UPSTREAM_GONE` when no answer comes in time, `UPSTREAM_INVALID` when it is none.
 */
export async function ask(
  reach: Parameters<typeof carry>[0],
  bytes: Uint8Array,
  caller: Pick<Caller, 'credentials' | 'headers'>,
  { withinMs, onMessage }: { readonly withinMs: number; readonly onMessage?: Heard['message'] },
): Promise<Response> {
  const { promise, resolve, reject } = Promise.withResolvers<Response>();
  const exchange = carry(reach, bytes, caller, {
    message: (said) => onMessage?.(said),
    answer(said) {
      const message = classify(said);
      if (message.kind === 'response') resolve(message);
      else reject(new CountersignError('UPSTREAM_INVALID', 'The server gave no usable answer.'));
    },
    none: () => reject(new CountersignError('UPSTREAM_GONE', 'The server did not answer.')),
  });
  exchange.catch(reject);
  try {
    return await within(promise, withinMs);
  } catch (error) {
    void exchange.then(
      (started) => started.cancel(),
      () => undefined,
    );
    throw error;
  }
}

/** @throws CountersignError `UPSTREAM_GONE` when it takes longer. */
export async function within<T>(promise: Promise<T>, ms: number): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => late.reject(new CountersignError('UPSTREAM_GONE', 'The server did not answer in time.')),
    ms,
  );
  try {
    return await Promise.race([promise, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}
