import type { AggregateServer } from './introduce.ts';
import { tell, type LegacySession } from './legacy-session.ts';
import type { Link } from './link.ts';
import type { Caller, Reach } from './reach.ts';

/** A client's sessions with those servers that have some. */
export interface OpenSessions {
  begun(reach: Reach, open: OpenSession): void;
  /** Those that are open now. */
  all(): readonly OpenSession[];
  has(server: string): boolean;
  /** Tells one server, or each, something that it does not answer. */
  tellOne(server: string, bytes: Uint8Array, caller: Caller): Promise<void>;
  tellAll(bytes: Uint8Array, caller: Caller): Promise<void>;
}

export interface OpenSession {
  readonly session: LegacySession;
  readonly server: AggregateServer;
}

export function createOpenSessions(links: () => readonly Link[]): OpenSessions {
  const sessions = new WeakMap<Reach, OpenSession>();
  const all = (): readonly OpenSession[] =>
    links().flatMap(({ reached }) => {
      const open = reached && sessions.get(reached);
      return open ? [open] : [];
    });
  const find = (name: string): OpenSession | undefined => all().find(({ server }) => server.name === name);
  return {
    begun: (reach, open) => void sessions.set(reach, open),
    all,
    has: (server) => find(server) !== undefined,
    async tellOne(server, bytes, caller) {
      const open = find(server);
      if (open) await tell(open.session, bytes, caller);
    },
    async tellAll(bytes, caller) {
      await Promise.all(all().map(({ session }) => tell(session, bytes, caller)));
    },
  };
}
