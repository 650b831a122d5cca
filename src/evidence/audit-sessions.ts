import type { Json, JsonObject } from '../call/json.ts';
import type { VerifiedEntry } from '../verify/entry.ts';
import type { Fault, Faults } from './faults.ts';
import { ownText } from './own-text.ts';

/** A session that was not closed when the log ended. */
export interface OpenSession {
  readonly id: string;
  readonly statements: number;
  /** Index of its first entry. */
  readonly since: number;
}

/** Follows the sessions through the log: numbered without gaps, linked, opened first and closed last. */
export interface SessionAudit {
  /** Every verified entry, in the log's order. */
  see(entry: VerifiedEntry): void;
  readonly opened: number;
  readonly closed: number;
  open(): readonly OpenSession[];
}

interface Chain {
  readonly since: number;
  /** The number that the next statement has. */
  next: number;
  /** Digest of the last statement; undefined after a gap. */
  prev: string | undefined;
}

/** Statements that belong to a session, by kind. */
const inSession: ReadonlySet<string> = new Set([
  'allow',
  'deny',
  'shadow',
  'outcome',
  'sessionOpen',
  'sessionClose',
]);

export function followSessions(faults: Faults): SessionAudit {
  const chains = new Map<string, Chain>();
  const ended = new Set<string>();
  let opened = 0;

  return {
    see(entry) {
      const { kind, predicate } = entry.statement;
      if (kind === undefined || !inSession.has(kind)) return;
      const index = entry.place.index;
      const link = readLink(predicate['session']);
      if (link === undefined) {
        faults.add({ code: 'SESSION_MISSING', index, message: 'The statement has no place in a session.' });
        return;
      }
      const { id, seq, prev } = link;
      const fault = (code: Fault['code'], message: string): void =>
        faults.add({ code, index, session: id, message });
      if (ended.has(id)) {
        fault('SESSION_AFTER_CLOSE', 'A statement follows the one that closed its session.');
        return;
      }
      const known = chains.get(id);
      if (known === undefined) {
        opened += 1;
        if (kind !== 'sessionOpen' || seq !== 0) {
          fault('SESSION_NOT_OPENED', `The session begins with number ${seq}, which does not open it.`);
        }
      }
      const chain = known ?? { since: index, next: seq, prev };
      chains.set(id, chain);
      if (seq < chain.next) {
        fault('SESSION_DUPLICATE', `Number ${seq} was given twice: the session has two histories.`);
        return;
      }
      if (seq > chain.next) {
        fault('SESSION_GAP', `Number ${chain.next} is missing: ${seq} follows ${chain.next - 1}.`);
      } else if (prev !== chain.prev) {
        fault('SESSION_LINK_BROKEN', `Number ${seq} does not name the statement before it.`);
      }
      chain.next = seq + 1;
      chain.prev = entry.sha256;
      if (kind !== 'sessionClose') return;
      if (predicate['count'] !== chain.next) {
        fault('SESSION_COUNT_WRONG', `The session closes with another count than ${chain.next}.`);
      }
      chains.delete(id);
      ended.add(ownText(id));
    },
    get opened() {
      return opened;
    },
    get closed() {
      return ended.size;
    },
    open: () => [...chains].map(([id, { next, since }]) => ({ id, statements: next, since })),
  };
}

interface Link {
  readonly id: string;
  readonly seq: number;
  /** Absent in a session's first statement. */
  readonly prev: string | undefined;
}

/** A statement's place in its session; undefined when it does not state one. */
function readLink(value: Json | undefined): Link | undefined {
  const { id, seq, prev } = objectOr(value);
  if (typeof id !== 'string' || typeof seq !== 'number' || !Number.isSafeInteger(seq) || seq < 0) {
    return undefined;
  }
  const { sha256 } = objectOr(prev);
  if (prev === undefined) return seq === 0 ? { id, seq, prev: undefined } : undefined;
  return typeof sha256 === 'string' ? { id, seq, prev: sha256 } : undefined;
}

function objectOr(value: Json | undefined): JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : {};
}
