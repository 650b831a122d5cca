import { readFileSync } from 'node:fs';
import { fromUtf8, hex } from '../../src/call/sha256.ts';
import { parseLeafBody } from '../../src/envelope/leaf-body.ts';
import type { Ledger, LogEntry } from '../../src/ledger/ledger.ts';
import { openHome } from '../../src/runtime/home/open-home.ts';
import { withHome } from '../../src/runtime/home/with-home.ts';
import { leafHash } from '../../src/tlog/merkle.ts';
import { appendLeaves, emptyEdge, rootOf } from '../../src/tlog/tree.ts';
import type { TestHome } from '../support/home.ts';
import type { AnsweredResult, History } from './kill.ts';

export interface FaultReport {
  readonly kills: number;
  readonly asked: number;
  readonly answered: number;
  readonly entries: number;
  readonly effects: number;
  readonly outcomes: Readonly<Record<string, number>>;
  readonly openPermits: number;
  /** What must not happen; empty when all is well. */
  readonly faults: readonly string[];
}

interface Statement {
  readonly predicateType: string;
  readonly predicate: {
    readonly callId?: string;
    readonly outcome?: string;
    readonly count?: number;
    readonly session?: {
      readonly id: string;
      readonly seq: number;
      readonly prev?: { readonly sha256: string };
    };
  };
}

interface Read {
  readonly entry: LogEntry;
  readonly statement: Statement;
  readonly paeSha256: string;
}

/**
 * Opens the home once more, which settles what the dead left open, and holds the log against the callers' answers and the
 * tool's own effects.
 */
export async function auditAfterKills(home: TestHome, history: History): Promise<FaultReport> {
  await settleRest(home);
  return withHome(openHome(home.home, home.env['COUNTERSIGN_LEDGER']), async ({ ledger }) => {
    const log = (await readAll(ledger)).map(readEntry);
    const performed = readFileSync(history.effects, 'utf8').split('\n').filter(Boolean);
    const outcomes: Record<string, number> = {};
    for (const { statement } of log) {
      const { outcome } = statement.predicate;
      if (outcome !== undefined) outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
    }
    const openPermits = (await ledger.openPermits()).length;
    return {
      kills: history.kills,
      asked: history.asked,
      answered: history.answers.length,
      entries: log.length,
      effects: performed.length,
      outcomes,
      openPermits,
      faults: [
        ...(await unloggedExecutions(ledger, log, performed)),
        ...lostEntries(log, history),
        ...forks(log, history),
        ...unpairedCalls(log),
        ...brokenSessions(log),
        ...(openPermits === 0 ? [] : [`${openPermits} permits are still open`]),
      ],
    };
  });
}

/** One more start and clean end of a gate. */
async function settleRest(home: TestHome): Promise<void> {
  const { startGate } = await import('./kill.ts');
  const { join } = await import('node:path');
  const gate = startGate(home, join(home.work, 'fault.yaml'), join(home.work, 'effects.txt'));
  const ended = new Promise((resolve) => gate.once('close', resolve));
  gate.stdin?.end();
  await ended;
}

async function readAll(ledger: Ledger): Promise<LogEntry[]> {
  const size = (await ledger.checkpoint())?.size ?? 0;
  const all: LogEntry[] = [];
  while (all.length < size) all.push(...(await ledger.entries(all.length, size)));
  return all;
}

function readEntry(entry: LogEntry): Read {
  const statement = JSON.parse(fromUtf8(entry.payload) ?? 'null') as Statement;
  const leaf = parseLeafBody(entry.leaf);
  return { entry, statement, paeSha256: leaf ? hex(leaf.paeSha256) : '' };
}

/** Every effect must have its ALLOW in the log; the action document says which word was allowed. */
async function unloggedExecutions(
  ledger: Ledger,
  log: readonly Read[],
  performed: readonly string[],
): Promise<string[]> {
  const allowed = new Set<string>();
  for (const { entry } of log) {
    if (entry.kind !== 'allow' || entry.callId === null) continue;
    const action = (await ledger.side(entry.callId)).find(({ name }) => name === 'action');
    const { arguments: args } = JSON.parse(fromUtf8(action?.value ?? new Uint8Array()) ?? '{}') as {
      arguments: { word: string };
    };
    allowed.add(args.word);
  }
  const twice = performed.length - new Set(performed).size;
  return [
    ...performed
      .filter((word) => !allowed.has(word))
      .map((word) => `${word} ran without an ALLOW in the log`),
    ...(twice === 0 ? [] : [`${twice} effects happened twice`]),
  ];
}

function envelopesOf({ _meta }: AnsweredResult): object[] {
  const { verdict, outcome } = _meta?.['dev.countersign/envelope'] ?? {};
  return [verdict, outcome].filter((envelope) => envelope !== undefined);
}

interface Bundle {
  readonly verificationMaterial: {
    readonly tlogEntries: readonly [
      {
        readonly logIndex: string;
        readonly canonicalizedBody: string;
        readonly inclusionProof: { readonly treeSize: string; readonly rootHash: string };
      },
    ];
  };
}

/** Whatever a caller holds is in the log, where its envelope says. */
function lostEntries(log: readonly Read[], { answers }: History): string[] {
  return answers.flatMap(({ result }) =>
    envelopesOf(result).flatMap((envelope) => {
      const [{ logIndex, canonicalizedBody }] = (envelope as Bundle).verificationMaterial.tlogEntries;
      const leaf = log[Number(logIndex)]?.entry.leaf;
      return leaf && Buffer.from(leaf).toString('base64') === canonicalizedBody
        ? []
        : [`the entry ${logIndex} that a caller holds is not in the log`];
    }),
  );
}

/** Every tree head that a caller holds is one that this log had at that size. */
function forks(log: readonly Read[], { answers }: History): string[] {
  const roots: string[] = [];
  let edge = emptyEdge;
  for (const { entry } of log) {
    edge = appendLeaves(edge, [leafHash(entry.leaf)]).edge;
    roots.push(Buffer.from(rootOf(edge)).toString('base64'));
  }
  return answers.flatMap(({ result }) =>
    envelopesOf(result).flatMap((envelope) => {
      const [{ inclusionProof }] = (envelope as Bundle).verificationMaterial.tlogEntries;
      const size = Number(inclusionProof.treeSize);
      return roots[size - 1] === inclusionProof.rootHash
        ? []
        : [`a caller holds another tree of size ${size}`];
    }),
  );
}

/** Exactly one outcome for each ALLOW, none for a DENY, and after it. */
function unpairedCalls(log: readonly Read[]): string[] {
  const faults: string[] = [];
  const open = new Set<string>();
  for (const { entry } of log) {
    const callId = entry.callId ?? '';
    if (entry.kind === 'allow') open.add(callId);
    if (entry.kind === 'outcome' && !open.delete(callId))
      faults.push(`${callId} has an outcome without a verdict`);
  }
  return [...faults, ...[...open].map((callId) => `${callId} has no outcome`)];
}

/** Each session counts from 0 without gaps, links every statement to the one before, and is closed with its count. */
function brokenSessions(log: readonly Read[]): string[] {
  const newest = new Map<string, { seq: number; paeSha256: string; closed: boolean }>();
  const faults: string[] = [];
  for (const { entry, statement, paeSha256 } of log) {
    const { session, count } = statement.predicate;
    if (!session) continue;
    const before = newest.get(session.id);
    if (before?.closed) faults.push(`session ${session.id} goes on after its end`);
    if (session.seq !== (before?.seq ?? -1) + 1) faults.push(`session ${session.id} jumps to ${session.seq}`);
    if (session.prev?.sha256 !== before?.paeSha256)
      faults.push(`session ${session.id} breaks its chain at ${session.seq}`);
    const closed = entry.kind === 'sessionClose';
    if (closed && count !== session.seq + 1) faults.push(`session ${session.id} counts ${count}`);
    newest.set(session.id, { seq: session.seq, paeSha256, closed });
  }
  for (const [id, { closed }] of newest) if (!closed) faults.push(`session ${id} was never closed`);
  return faults;
}
