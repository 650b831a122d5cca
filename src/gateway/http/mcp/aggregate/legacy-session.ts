import { concatBytes, utf8 } from '../../../../call/bytes.ts';
import { memberOf } from '../../../../call/json-node.ts';
import type { JsonObject } from '../../../../call/json.ts';
import { CountersignError } from '../../../../errors.ts';
import { classify, type Response } from '../../../mcp/message.ts';
import type { McpConversation } from '../conversation.ts';
import { requestOf } from './own-messages.ts';
import { ask, carry, within, type Caller } from './reach.ts';

/** A session with one server in a revision before 2026-07-28, its handshake made. */
export interface LegacySession {
  readonly conversation: McpConversation;
  readonly version: string;
  readonly capabilities: JsonObject;
  readonly instructions?: string;
}

/** What a server asks, and is answered by the gateway. A ping always is, since no client need listen all the time. */
type AnsweredHere = 'ping' | 'everything';

export interface LegacySessionOptions {
  readonly connect: (onGone: () => void) => Promise<McpConversation>;
  readonly caller: Caller;
  /** Members of the params of `initialize`, as they are to be written. */
  readonly params: readonly Uint8Array[];
  readonly id: string;
  readonly withinMs: number;
  readonly answered: AnsweredHere;
  /** The server has ended it. */
  readonly onGone: () => void;
}

/** @throws CountersignError `UPSTREAM_GONE`, or `UPSTREAM_INVALID` when the server takes no handshake. */
export async function beginLegacySession(options: LegacySessionOptions): Promise<LegacySession> {
  const { connect, caller, params, id, withinMs, answered, onGone } = options;
  const spoken = { version: '' };
  // A server that takes no handshake is ended by us: that says nothing of how else it can be asked.
  let onEnd = onGone;
  const conversation = answering(await connect(() => onEnd()), spoken, caller, answered);
  try {
    const bytes = requestOf(id, 'initialize', params);
    const answer = await ask(inside({ conversation, version: '' }), bytes, caller, { withinMs });
    const version = answer.result && memberOf(answer.result, 'protocolVersion')?.value;
    if (typeof version !== 'string')
      throw new CountersignError('UPSTREAM_INVALID', 'The server takes no handshake.');
    spoken.version = version;
    return { conversation, version, ...introductionIn(answer) };
  } catch (error) {
    onEnd = () => undefined;
    await conversation.close();
    throw error;
  }
}

/** What of a handshake or a discovery says what a server can do. */
export function introductionIn({ result }: Response): {
  readonly capabilities: JsonObject;
  readonly instructions?: string;
} {
  const capabilities = result && memberOf(result, 'capabilities');
  const instructions = result && memberOf(result, 'instructions')?.value;
  return {
    capabilities: capabilities?.kind === 'object' ? capabilities.value : {},
    ...(typeof instructions === 'string' && { instructions }),
  };
}

type Inside = Pick<LegacySession, 'conversation' | 'version'>;

function inside({ conversation, version }: Inside): Parameters<typeof carry>[0] {
  return { speaks: 'legacy', version, conversationFor: () => Promise.resolve(conversation) };
}

/** Milliseconds until a server has taken what it does not answer. */
const takenMs = 5_000;

/** Tells the server something that it does not answer. Resolves once it was taken, or nobody waits for that any more. */
export async function tell(session: Inside, bytes: Uint8Array, caller: Caller): Promise<void> {
  const taken = Promise.withResolvers<void>();
  const done = (): void => taken.resolve();
  const sent = carry(inside(session), bytes, caller, { message: () => undefined, answer: done, none: done });
  await within(Promise.all([sent, taken.promise]), takenMs).catch(() => undefined);
}

export const initialized = utf8('{"jsonrpc":"2.0","method":"notifications/initialized"}\n');

/** The conversation, in which what is answered here reaches no client. */
function answering(
  conversation: McpConversation,
  spoken: { readonly version: string },
  caller: Caller,
  answered: AnsweredHere,
): McpConversation {
  const isKept = (said: Uint8Array): boolean => {
    const reply = replyTo(said, answered);
    if (reply) void tell({ conversation, version: spoken.version }, reply, caller);
    return reply !== undefined;
  };
  return {
    run(post) {
      const message = (said: Uint8Array): void => {
        if (!isKept(said)) post.answer.message(said);
      };
      return conversation.run({ ...post, answer: { ...post.answer, message } });
    },
    definitionOf: (tool, asker) => conversation.definitionOf(tool, asker),
    hasRoomFor: (post) => conversation.hasRoomFor(post),
    get isLost() {
      return conversation.isLost;
    },
    get isIdle() {
      return conversation.isIdle;
    },
    listen: (headers, deliver) =>
      conversation.listen(headers, (said) => {
        if (!isKept(said)) deliver(said);
      }),
    end: () => conversation.end(),
    close: () => conversation.close(),
  };
}

function replyTo(said: Uint8Array, answered: AnsweredHere): Uint8Array | undefined {
  const message = classify(said);
  if (message.kind !== 'request') return undefined;
  const isPing = message.method === 'ping';
  if (!isPing && answered === 'ping') return undefined;
  const outcome = isPing
    ? '"result":{}'
    : '"error":{"code":-32601,"message":"The client of this gateway takes no requests."}';
  return concatBytes(utf8('{"jsonrpc":"2.0","id":'), message.id.raw, utf8(`,${outcome}}\n`));
}
