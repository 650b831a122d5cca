import { verifyEntry } from '../verify/entry.ts';
import type { VerifiedEntry } from '../verify/entry.ts';
import type { Refused } from '../verify/envelope.ts';
import type { Compromised } from '../verify/last-trusted.ts';
import type { Place } from '../verify/log-entry.ts';
import { isWithin } from '../verify/trust.ts';
import type { Trust } from '../verify/trust.ts';
import { followApprovals } from './audit-approvals.ts';
import { pairCalls } from './audit-calls.ts';
import type { CompromiseAudit } from './audit-compromised.ts';
import type { EntryPage } from './audit-entries.ts';
import { requireGenesis } from './audit-genesis.ts';
import { acrossKeys } from './audit-head.ts';
import type { SignedHead } from './audit-head.ts';
import type { HeldAudit } from './audit-held.ts';
import { followKeys } from './audit-keys.ts';
import { createTally } from './audit-report.ts';
import type { AuditReport, Unjudged } from './audit-report.ts';
import { followSessions, isInSession } from './audit-sessions.ts';
import type { AuditState } from './audit-state.ts';
import { followTime } from './audit-time.ts';
import type { AuditTree } from './audit-tree.ts';
import { digestSet } from './digest-set.ts';
import type { Faults } from './faults.ts';

/** Follows entries, sessions, calls, keys and time, page by page. */
export interface Replay {
  page(page: EntryPage): Promise<void>;
  finish(): Pick<AuditReport, 'period' | 'entries' | 'sessions' | 'keys' | 'openCalls'>;
  readonly unjudged: Unjudged;
  /** Once it is finished: what the next audit has to know. */
  memory(): Omit<AuditState, 'checkpoint' | 'faults'>;
}

export interface ReplayParts {
  readonly trust: Trust;
  readonly compromised: Compromised | undefined;
  readonly compromise: CompromiseAudit;
  readonly head: SignedHead;
  readonly tree: AuditTree;
  readonly held: HeldAudit;
  readonly faults: Faults;
  /** The first entry that is replayed. */
  readonly from: number;
  /** What the audit of everything before it remembers. */
  readonly memory: AuditState | undefined;
}

/** Entries whose signatures are checked side by side. */
const atOnce = 32;

export function startReplay(parts: ReplayParts): Replay {
  const { trust, compromised, compromise, head, tree, held, faults, memory, from } = parts;
  const { transparencyLogs: logs } = trust;
  const sessions = followSessions(faults, { memory: memory?.sessions, from });
  const calls = pairCalls(tree, faults, { memory: memory?.calls, from });
  const approvals = followApprovals(faults, { memory: memory?.approvals, from });
  const keys = followKeys(faults, { memory: memory?.keys, logs, from });
  const time = followTime(faults, memory?.lastTime);
  const loose = digestSet(memory?.loose);
  const [kinds, signers, modes, outcomes] = [createTally(), createTally(), createTally(), createTally()];
  const log = acrossKeys(head, trust);
  const { size: treeSize, root: rootHash } = head.checkpoint;
  let [replayed, verified] = [0, 0];
  let uses: AuditReport['keys'] = [];

  const see = (entry: VerifiedEntry): void => {
    const { facts, statement, signer } = entry;
    verified += 1;
    kinds.add(statement.kind ?? 'foreign');
    signers.add(signer.identity);
    if (facts !== undefined) modes.add(facts.mode ?? 'not stated');
    if (facts?.kind === 'outcome') outcomes.add(facts.outcome);
    const predecessor = requireGenesis(entry, logs, faults);
    if (predecessor !== undefined) held.goesOnFrom(predecessor);
    if (!isInSession(statement.kind)) requireOnce(entry);
    sessions.see(entry);
    calls.see(entry);
    approvals.see(entry);
    keys.see(entry);
    time.see(entry);
  };

  /** In a session a statement has its number; elsewhere an old one could be put in again, to say again what it says. */
  const requireOnce = ({ sha256, place: { index } }: VerifiedEntry): void => {
    if (loose.has(sha256)) {
      faults.add({ code: 'ENTRY_DUPLICATE', index, message: 'The same statement stands in the log before.' });
    }
    loose.add(sha256);
  };

  return {
    async page({ from: first, leaves, records }) {
      for (let start = 0; start < leaves.length; start += atOnce) {
        const batch = leaves.slice(start, start + atOnce);
        const results = await Promise.all(
          batch.map(async (leaf, i) => {
            const record = records?.[start + i];
            const place: Place = { log, index: first + start + i, treeSize, rootHash };
            const options = { ...(compromised && { compromised }) };
            return record && verifyEntry({ leaf, ...record }, compromise.placeOf(place), trust, options);
          }),
        );
        for (const [i, leaf] of batch.entries()) {
          tree.append(leaf);
          replayed += 1;
          held.look();
          const result = results[i];
          if (result?.ok === true) see(result);
          else if (result !== undefined) addRefusal(result, first + start + i, faults);
        }
      }
    },
    finish() {
      const { period, lastTime } = time;
      if (lastTime !== undefined && !isWithin(head.log.validFor, lastTime)) {
        const message =
          'The key that signed the head was not valid any more when the last entry was stamped.';
        faults.add({ code: 'LOG_KEY_EXPIRED', message });
      }
      uses = keys.finish(head.log);
      const openCalls = calls.finish(lastTime ?? Infinity);
      return {
        ...(period && { period: { first: instant(period.first), last: instant(period.last) } }),
        entries: {
          replayed,
          verified,
          kinds: kinds.toRecord(),
          signers: signers.toRecord(),
          modes: modes.toRecord(),
          outcomes: outcomes.toRecord(),
        },
        sessions: { opened: sessions.opened, closed: sessions.closed, open: sessions.open() },
        keys: uses,
        openCalls,
      };
    },
    get unjudged() {
      return { outcomes: calls.unjudged, sessions: sessions.unjudged };
    },
    memory: () => ({
      ...(time.lastTime !== undefined && { lastTime: time.lastTime }),
      calls: calls.memory(),
      approvals: approvals.memory(),
      sessions: sessions.memory(),
      loose: loose.toBytes(),
      keys: uses,
    }),
  };
}

function addRefusal({ failures }: Refused, index: number, faults: Faults): void {
  for (const { code, field, message } of failures) {
    faults.add({ code, index, message: field === '' ? message : `${field}: ${message}` });
  }
}

function instant(milliseconds: number): string {
  return new Date(milliseconds).toISOString();
}
