import { concatBytes, utf8 } from '../../../../call/bytes.ts';
import { CountersignError, toCountersignError } from '../../../../errors.ts';
import { refusalAnswer } from '../../../mcp/answers.ts';
import { callerMeta } from '../../../mcp/client-info.ts';
import { classify, type Request, type SingleMessage } from '../../../mcp/message.ts';
import type { McpConversation } from '../conversation.ts';
import type { Exchange, Post } from '../exchange.ts';
import { keysOf, progressTokensOf } from '../request-ids.ts';
import { linkTo, type AggregateClient, type Errand } from './client.ts';
import { createInnerAnswer, type Heard } from './inner-answer.ts';
import { listen } from './listen.ts';
import { answerOwn } from './own-answers.ts';
import { refuse } from './pass.ts';
import type { Caller } from './reach.ts';
import { routeToOne, serverNamed } from './route.ts';

/** What is particular about the clients of one era. */
export interface ClientManner {
  readonly client: AggregateClient;
  readonly owner: (post: Pick<Post, 'credentials'>) => Promise<string>;
  /** What is not a request. */
  readonly take: (message: Exclude<SingleMessage, Request>, caller: Caller, sink: Heard) => Promise<void>;
  /** Whether a request was refused, or answered in a way that only this era has. */
  readonly first: (errand: Errand) => Promise<boolean>;
  readonly listen: McpConversation['listen'];
  /** Of a client with a session: the requests that are not answered yet. */
  readonly underway?: Underway;
}

/** By `MessageId.key`: where a request went, if it went to one server. */
export type Underway = Map<string, { readonly server?: string; readonly exchange?: Exchange }>;

/** All servers as one, to one client: what it says is brought to the server that it is for, or to all of them. */
export function createAggregateConversation({
  client,
  owner,
  take,
  first,
  listen: listenStandalone,
  underway,
}: ClientManner): McpConversation {
  const running = new Set<Exchange>();

  const followRequest = async (given: Errand): Promise<void> => {
    const { key } = given.request.id;
    const isTaken = underway?.has(key) === true;
    if (!isTaken) underway?.set(key, {});
    const over = (): void => {
      if (!isTaken) underway?.delete(key);
    };
    const errand = { ...given, sink: untilOver(given.sink, over) };
    try {
      if (isTaken)
        throw new CountersignError('REQUEST_ID_IN_FLIGHT', 'A request with this id is still in flight.');
      if (await first(errand)) return;
      if (await answerOwn(client, errand)) return;
      if (await routeToOne(client, errand)) return;
      if (errand.request.method === 'subscriptions/listen' && client.era === 'modern') {
        await listen(client, errand);
        return;
      }
      throw new CountersignError('METHOD_NOT_RELAYED', 'This method is not one that is passed on here.');
    } catch (error) {
      refuse(errand, toCountersignError(error, 'INTERNAL', 'The request could not be carried out.'));
    }
  };

  return {
    // Each server's own session is begun anew behind this one.
    isLost: false,
    run(post) {
      const { message, answer } = post;
      const carried = new Set<Exchange>();
      let isCancelled = false;
      const callerOf = async (request?: Request): Promise<Caller> => ({
        owner: await owner(post),
        era: client.era,
        credentials: post.credentials,
        headers: post.headers,
        meta: request ? callerMeta(request) : null,
      });
      const follow = async (single: SingleMessage, sink: Heard): Promise<void> => {
        if (single.kind !== 'request') return take(single, await callerOf(), sink);
        await followRequest({
          request: single,
          caller: await callerOf(single),
          sink,
          onCarried(server, exchange) {
            carried.add(exchange);
            const { key } = single.id;
            if (underway?.has(key)) underway.set(key, { server, exchange });
            if (isCancelled) exchange.cancel();
          },
        });
      };
      const exchange: Exchange = {
        keys: keysOf(message),
        progressTokens: progressTokensOf(message),
        deliver: (bytes) => answer.message(bytes),
        cancel() {
          isCancelled = true;
          for (const each of carried) each.cancel();
        },
      };
      running.add(exchange);
      void answer.ended.then(() => running.delete(exchange));
      const whole = message.kind === 'batch' ? message.elements : message;
      void followAll(whole, post, follow).catch(() => answer.done(500));
      return exchange;
    },
    async definitionOf(tool, asker) {
      const named = serverNamed(client, tool);
      const link = linkTo(client, named?.server);
      if (!named || !link) return undefined;
      const nobody = { apiKey: undefined };
      const caller = {
        owner: await owner({ credentials: nobody }),
        era: client.era,
        credentials: nobody,
        headers: {},
        meta: callerMeta(asker),
      };
      try {
        const reach = await link.reach(caller);
        const answer = createInnerAnswer({ message: ignore, answer: ignore, none: ignore });
        const conversation = await reach.conversationFor({ ...caller, message: asker, answer });
        answer.done(202);
        return await conversation.definitionOf(named.name, asker);
      } catch {
        return undefined;
      }
    },
    hasRoomFor: () => true,
    get isIdle() {
      return running.size === 0;
    },
    listen: listenStandalone,
    end: () => Promise.resolve(204),
    async close() {
      for (const exchange of running) exchange.cancel();
      await Promise.allSettled(client.links.map((link) => link.close()));
    },
  };
}

/** A request has one answer; what it held is let go with it. */
function untilOver(sink: Heard, over: () => void): Heard {
  return {
    ...sink,
    answer(bytes, status, denied) {
      over();
      sink.answer(bytes, status, denied);
    },
    none(status) {
      over();
      sink.none(status);
    },
  };
}

type Follow = (message: SingleMessage, sink: Heard) => Promise<void>;

async function followAll(
  message: SingleMessage | readonly SingleMessage[],
  { answer }: Post,
  follow: Follow,
): Promise<void> {
  if (!('length' in message)) {
    return follow(message, {
      message: (bytes) => answer.message(bytes),
      answer: (bytes, status, denied) => answer.answer(bytes, status, denied),
      none: (status) => answer.done(status === 200 ? 202 : status),
      begun: () => answer.head({ status: 200, isStream: true }),
      interrupt: (retryMs) => answer.interrupt(retryMs),
    });
  }
  const answers: Uint8Array[] = [];
  await Promise.all(message.map((element) => followElement(element, answer.message, answers, follow)));
  if (answers.length === 0) {
    answer.done(202);
    return;
  }
  const parts = answers.flatMap((each, at) => [utf8(at === 0 ? '[' : ','), each]);
  answer.answer(concatBytes(...parts, utf8(']')), 200);
}

/** An element of a batch, as a message of its own. */
function followElement(
  element: SingleMessage,
  message: Heard['message'],
  answers: Uint8Array[],
  follow: Follow,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const sink: Heard = {
      message,
      answer(bytes) {
        answers.push(bytes);
        resolve();
      },
      none: () => resolve(),
    };
    const alone = element.kind === 'refusal' ? element : classify(concatBytes(element.bytes, utf8('\n')));
    follow(alone.kind === 'batch' ? nested : alone, sink).catch(reject);
  });
}

const nested: SingleMessage = {
  kind: 'refusal',
  error: new CountersignError('FRAME_INVALID', 'A batch is inside a batch.'),
  wasJson: true,
};

/** Says what is wrong with a message that is none. */
export function refuseMessage(refusal: Extract<SingleMessage, { kind: 'refusal' }>, sink: Heard): void {
  sink.answer(refusalAnswer(refusal), 400);
}

function ignore(): void {
  // Nobody asked.
}
