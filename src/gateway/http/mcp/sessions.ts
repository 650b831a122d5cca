import { CountersignError } from '../../../errors.ts';
import type { McpConversation } from './conversation.ts';
import type { Watch } from '../streams.ts';
import { createSessionStreams, type SessionStreams } from './session-streams.ts';
import { answersLeaveMs } from './watch-later.ts';

/** A legacy client's session. It belongs to whoever began it: its id alone opens nothing. */
export interface Session {
  readonly id: string;
  readonly conversation: McpConversation;
  readonly streams: SessionStreams;
  /** The status with which the server has the stream that belongs to no request, once it was asked. */
  listening?: Promise<number>;
}

export interface Sessions {
  /**
   * Begins one. Rejects with KEY_OVER_LIMIT when this owner has as many as one may have, GATE_BUSY when all have together.
   *
   * @param watch Whether its owner is good: of one who was revoked it is ended.
   * @param connect Gets what to call once the server is gone.
   */
  begin(
    owner: string,
    watch: Watch,
    connect: (onGone: () => void) => Promise<McpConversation>,
  ): Promise<Session>;
  /** Undefined when there is none of this id, or it is another one's. From now on `watch` says whether its owner is good. */
  find(id: string, owner: string, watch: Watch): Session | undefined;
  end(id: string): Promise<void>;
  /** Ends all. */
  close(): Promise<void>;
}

export interface SessionLimits {
  readonly perOwner: number;
  readonly all: number;
  /** Milliseconds without a request after which a session is ended. */
  readonly idleMs: number;
}

interface Kept extends Session {
  readonly owner: string;
  usedAt: number;
  /** Ends the watch over whoever used it last. */
  unwatch: () => void;
}

/** Milliseconds for which a session waits for its owner, whose token has ended, to come back with a newer one. */
const renewedWithinMs = 300_000;

export function createSessions({ perOwner, all, idleMs }: SessionLimits): Sessions {
  const sessions = new Map<string, Kept>();
  let beginning = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;

  const end = async (id: string): Promise<void> => {
    const session = sessions.get(id);
    if (!session) return;
    sessions.delete(id);
    session.unwatch();
    session.streams.end();
    await session.conversation.close();
  };
  const watchOwner = (session: Kept, watch: Watch): void => {
    session.unwatch();
    const until = new AbortController();
    session.unwatch = () => until.abort();
    const good = watch(until.signal);
    const endLater = (): void => {
      const ms = isExpiry(good.reason) ? renewedWithinMs : answersLeaveMs;
      const timer = setTimeout(() => void end(session.id), ms);
      until.signal.addEventListener('abort', () => clearTimeout(timer), { once: true });
    };
    if (good.aborted) endLater();
    else good.addEventListener('abort', endLater, { once: true });
  };
  const endIdle = (): void => {
    timer = undefined;
    for (const { id, usedAt, conversation, streams } of sessions.values()) {
      const isUsed = !conversation.isIdle || streams.standalone.isRead || performance.now() - usedAt < idleMs;
      if (!isUsed) void end(id);
    }
    if (sessions.size > 0) timer = setTimeout(endIdle, idleMs / 2);
  };

  return {
    async begin(owner, watch, connect) {
      const owned = [...sessions.values()].filter((session) => session.owner === owner).length;
      if (owned >= perOwner)
        throw new CountersignError(
          'KEY_OVER_LIMIT',
          `An API key has at most ${perOwner} sessions with a server.`,
        );
      if (sessions.size + beginning >= all)
        throw new CountersignError('GATE_BUSY', 'Too many sessions are open: try again later.');
      const id = crypto.randomUUID();
      beginning += 1;
      try {
        const conversation = await connect(() => void end(id));
        const session: Kept = {
          id,
          owner,
          conversation,
          streams: createSessionStreams(),
          usedAt: performance.now(),
          unwatch: () => undefined,
        };
        sessions.set(id, session);
        watchOwner(session, watch);
        timer ??= setTimeout(endIdle, idleMs / 2);
        return session;
      } finally {
        beginning -= 1;
      }
    },
    find(id, owner, watch) {
      const session = sessions.get(id);
      if (session?.owner !== owner) return undefined;
      session.usedAt = performance.now();
      watchOwner(session, watch);
      return session;
    },
    end,
    async close() {
      clearTimeout(timer);
      await Promise.all([...sessions.keys()].map(end));
    },
  };
}

/** Credentials end by themselves; whatever else ends an owner was done to them. */
function isExpiry(reason: unknown): boolean {
  return reason instanceof CountersignError && reason.code === 'LEASE_ENDED';
}
