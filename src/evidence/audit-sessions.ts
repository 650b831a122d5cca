import type { Json } from '../call/json.ts';
import type { VerifiedEntry } from '../verify/entry.ts';
import { digestSet } from './digest-set.ts';
import type { Fault, Faults } from './faults.ts';
import { objectOr } from './object-or.ts';

/** A session that was not closed when the log ended. */
export interface OpenSession {
  readonly id: string;
  readonly statements: number;
  /** Index of its first entry. */
  readonly since: number;
}

/** Where an open session stands. */
export interface Chain {
  readonly id: string;
  /** Index of its first entry. */
  readonly since: number;
  /** The number that the next statement has. */
  readonly next: number;
  /** Digest of the last statement. */
  readonly prev?: string;
}

/** The sessions up to some entry. `closed` is digests of ids. */
export interface SessionMemory {
  readonly open: readonly Chain[];
  readonly closed: Uint8Array;
}

/** Follows the sessions through the log: numbered without gaps, linked, opened first and closed last. */
export interface SessionAudit {
  /** Every verified entry, in the log's order. */
  see(entry: VerifiedEntry): void;
  readonly opened: number;
  readonly closed: number;
  /** Sessions whose beginning was not replayed and that nobody remembers: only what follows in them is judged. */
  readonly unjudged: number;
  open(): readonly OpenSession[];
  memory(): SessionMemory;
}

export interface SessionAuditOptions {
  readonly memory?: SessionMemory | undefined;
  /** The first entry that is replayed; with no memory of those before it, a session may have begun there. */
  readonly from: number;
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

/** Whether a statement of this kind has a number in a session. */
export function isInSession(kind: string | undefined): kind is string {
  return kind !== undefined && inSession.has(kind);
}

export function followSessions(faults: Faults, { memory, from }: SessionAuditOptions): SessionAudit {
  const chains = new Map((memory?.open ?? []).map((chain) => [chain.id, chain]));
  const ended = digestSet(memory?.closed);
  const isBlind = memory === undefined && from > 0;
  let [opened, closed, unjudged] = [0, 0, 0];

  /** The chain that the statement goes on from; a session that is new must open. */
  const chainOf = ({ id, seq, prev }: Link, kind: string, index: number): Chain => {
    const known = chains.get(id);
    if (known !== undefined) return known;
    const opens = kind === 'sessionOpen' && seq === 0;
    if (opens) opened += 1;
    else if (isBlind && seq > 0) unjudged += 1;
    else {
      const message = `The session begins with number ${seq}, which does not open it.`;
      faults.add({ code: 'SESSION_NOT_OPENED', index, session: id, message });
    }
    return { id, since: index, next: seq, ...(prev !== undefined && { prev }) };
  };

  return {
    see(entry) {
      const { kind, predicate } = entry.statement;
      if (!isInSession(kind)) return;
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
      const chain = chainOf(link, kind, index);
      if (seq < chain.next) {
        fault('SESSION_DUPLICATE', `Number ${seq} was given twice: the session has two histories.`);
        return;
      }
      if (seq > chain.next) {
        fault('SESSION_GAP', `Number ${chain.next} is missing: ${seq} follows ${chain.next - 1}.`);
      } else if (prev !== chain.prev) {
        fault('SESSION_LINK_BROKEN', `Number ${seq} does not name the statement before it.`);
      }
      if (kind === 'sessionOpen' && seq > 0) {
        fault('SESSION_REOPENED', `Number ${seq} opens the session again.`);
      }
      const next = seq + 1;
      chains.set(id, { id, since: chain.since, next, prev: entry.sha256 });
      if (kind !== 'sessionClose') return;
      if (predicate['count'] !== next) {
        fault('SESSION_COUNT_WRONG', `The session closes with another count than ${next}.`);
      }
      chains.delete(id);
      ended.add(id);
      closed += 1;
    },
    get opened() {
      return opened;
    },
    get closed() {
      return closed;
    },
    get unjudged() {
      return unjudged;
    },
    open: () => [...chains.values()].map(({ id, next, since }) => ({ id, statements: next, since })),
    memory: () => ({ open: [...chains.values()], closed: ended.toBytes() }),
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
