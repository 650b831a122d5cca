import { CountersignError } from '../../../errors.ts';
import { createTasks, type Tasks } from '../../mcp/tasks.ts';
import type { ConversationOptions, McpConversation } from './conversation.ts';
import type { Post } from './exchange.ts';
import { createHttpConversation, type HttpConversation } from './http-conversation.ts';
import { createPipeConversation } from './pipe-conversation.ts';
import type { McpTransport } from './upstream.ts';

/** Conversations for requests that stand alone: revision 2026-07-28 has no sessions. */
export interface SingleRequests {
  /** One in which this POST of this owner has room. GATE_BUSY when there is none. */
  conversationFor(owner: string, post: Post): Promise<McpConversation>;
  close(): Promise<void>;
}

export function createSingleRequests(options: ConversationOptions): SingleRequests {
  const { transport } = options.upstream;
  return transport.kind === 'http' ? overHttp(options, transport) : overPipes(options, transport);
}

/**
 * Every request is a conversation; what the server lists is asked for once for all, and tasks are their owner's. A server that is asked
 * for people may list to each another thing.
 */
function overHttp(
  options: ConversationOptions,
  transport: Extract<McpTransport, { kind: 'http' }>,
): SingleRequests {
  const connection = transport.connect();
  const isOnBehalf = options.upstream.actsFor !== undefined;
  const roots = new Map<string, HttpConversation>();
  const tasks = new Map<string, Tasks>();
  const rootFor = (owner: string): HttpConversation => {
    const key = isOnBehalf ? owner : '';
    const root = roots.get(key) ?? createHttpConversation(options, connection);
    roots.set(key, root);
    return root;
  };
  return {
    conversationFor(owner, { credentials }) {
      const { listing, gate, names } = rootFor(owner);
      names.met(credentials);
      const own = tasks.get(owner) ?? createTasks(gate);
      tasks.set(owner, own);
      return Promise.resolve(
        createHttpConversation(options, connection, { listing, gate, tasks: own, names }),
      );
    },
    async close() {
      for (const own of tasks.values()) await own.close();
      await Promise.all([...roots.values()].map((root) => root.close()));
    },
  };
}

/** A process serves its owner alone. Another one is started where ids or progress tokens of two clients would meet. */
const maxPipesPerOwner = 8;
const idleMs = 300_000;

interface Pipe {
  readonly conversation: Promise<McpConversation>;
  usedAt: number;
}

function overPipes(
  options: ConversationOptions,
  transport: Extract<McpTransport, { kind: 'pipe' }>,
): SingleRequests {
  const pipes = new Map<string, Set<Pipe>>();
  let timer: ReturnType<typeof setTimeout> | undefined;

  const drop = (owner: string, pipe: Pipe): void => {
    const own = pipes.get(owner);
    if (!own?.delete(pipe)) return;
    if (own.size === 0) pipes.delete(owner);
    void pipe.conversation.then(
      (conversation) => conversation.close(),
      () => undefined,
    );
  };
  const start = (owner: string, own: Set<Pipe>): Pipe => {
    const pipe: Pipe = {
      conversation: createPipeConversation(options, transport, () => drop(owner, pipe)),
      usedAt: performance.now(),
    };
    own.add(pipe);
    pipe.conversation.catch(() => drop(owner, pipe));
    timer ??= setTimeout(() => void dropIdle(), idleMs / 2);
    return pipe;
  };
  const dropIdle = async (): Promise<void> => {
    timer = undefined;
    for (const [owner, own] of pipes) {
      for (const pipe of own) {
        const conversation = await pipe.conversation.catch(() => undefined);
        if (conversation?.isIdle && performance.now() - pipe.usedAt > idleMs) drop(owner, pipe);
      }
    }
    if (pipes.size > 0) timer = setTimeout(() => void dropIdle(), idleMs / 2);
  };

  return {
    async conversationFor(owner, post) {
      const own = pipes.get(owner) ?? new Set();
      pipes.set(owner, own);
      for (const pipe of own) {
        const conversation = await pipe.conversation;
        pipe.usedAt = performance.now();
        if (conversation.hasRoomFor(post)) return conversation;
      }
      if (own.size >= maxPipesPerOwner)
        throw new CountersignError(
          'GATE_BUSY',
          'Too many requests with the same ids are under way: try again.',
        );
      return start(owner, own).conversation;
    },
    async close() {
      clearTimeout(timer);
      const open = [...pipes.values()].flatMap((own) => [...own]);
      pipes.clear();
      const ended = open.map(async ({ conversation }) => (await conversation).close());
      await Promise.allSettled(ended);
    },
  };
}
