import { CountersignError } from '../../../../errors.ts';
import type { McpConversation } from '../conversation.ts';
import type { Post } from '../exchange.ts';
import { keysOf, progressTokensOf } from '../request-ids.ts';
import type { LegacySession } from './legacy-session.ts';

/** Sessions of one server that requests which stand alone are carried out in. */
export interface SessionPool {
  /** The one that was begun first. Rejects when it cannot be. */
  first(): Promise<LegacySession>;
  /** One in which nothing else has the ids or progress tokens of this POST. Rejects with `GATE_BUSY` when there is none. */
  conversationFor(post: Post): Promise<McpConversation>;
  close(): Promise<void>;
}

/** Two clients of one owner count alike, so that their ids meet all the time. */
const maxSessions = 8;

interface Pooled {
  readonly begun: Promise<LegacySession>;
  /** Ids and progress tokens that are taken. */
  readonly taken: Set<unknown>;
}

export function createSessionPool(
  begin: (onGone: () => void) => Promise<LegacySession>,
  onGone: () => void,
): SessionPool {
  const sessions = new Set<Pooled>();

  const drop = (session: Pooled): void => {
    if (sessions.delete(session) && sessions.size === 0) onGone();
  };
  const start = (): Pooled => {
    const session: Pooled = { begun: begin(() => drop(session)), taken: new Set() };
    sessions.add(session);
    session.begun.catch(() => drop(session));
    return session;
  };

  return {
    first: () => start().begun,
    async conversationFor(post) {
      const names = [...keysOf(post.message), ...progressTokensOf(post.message)];
      const free = [...sessions].find(({ taken }) => !names.some((name) => taken.has(name)));
      if (!free && sessions.size >= maxSessions)
        throw new CountersignError('GATE_BUSY', 'Too many requests with the same ids are under way.');
      const session = free ?? start();
      names.forEach((name) => session.taken.add(name));
      void post.answer.ended.then(() => names.forEach((name) => session.taken.delete(name)));
      return (await session.begun).conversation;
    },
    async close() {
      const open = [...sessions];
      sessions.clear();
      await Promise.allSettled(open.map(async ({ begun }) => (await begun).conversation.close()));
    },
  };
}
