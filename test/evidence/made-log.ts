import { hex } from '../../src/call/sha256.ts';
import { assembleBundle } from '../../src/envelope/bundle.ts';
import type { Statement } from '../../src/envelope/envelope.ts';
import {
  change as changeStatement,
  logOpen,
  outcome as outcomeStatement,
  sessionClose,
  sessionOpen,
  verdict as verdictStatement,
} from '../../src/envelope/statements.ts';
import { signStatement } from '../../src/envelope/sign.ts';
import type { OutcomeFacts, SessionFacts, TreeHeadFacts, VerdictFacts } from '../../src/envelope/facts.ts';
import { auditLog } from '../../src/evidence/audit.ts';
import type { AuditOptions } from '../../src/evidence/audit.ts';
import type { AuditReport } from '../../src/evidence/audit-report.ts';
import { exportLog } from '../../src/evidence/export.ts';
import type { Exported } from '../../src/evidence/export.ts';
import type { TileSink } from '../../src/evidence/tile-source.ts';
import type { StatementKind } from '../../src/names.ts';
import { checkpointSigner } from '../../src/tlog/checkpoint.ts';
import { leafHash } from '../../src/tlog/merkle.ts';
import { appendLeaves, emptyEdge, rootOf } from '../../src/tlog/tree.ts';
import { signatureTypes } from '../../src/tlog/vkey.ts';
import { loadTrust } from '../../src/verify/trust.ts';
import { logKeyId, proveIn } from '../envelope/tiny-log.ts';
import { allowed, denied, principal } from '../envelope/facts.ts';
import type { RecordOptions, TestTrustSystem } from '../support/trust-system.ts';

/** An entry of a made log: what the ledger keeps of it. */
export interface MadeEntry {
  readonly leaf: Uint8Array;
  readonly payload: Uint8Array;
  readonly timestamp: Uint8Array;
  readonly sha256: string;
}

/** A log whose entries are signed for real, in any order and with anything in them: what an operator could write. */
export class MadeLog {
  readonly system: TestTrustSystem;
  readonly entries: MadeEntry[] = [];

  constructor(system: TestTrustSystem) {
    this.system = system;
  }

  async add(kind: StatementKind, statement: Statement, options: RecordOptions = {}): Promise<MadeEntry> {
    const { identity, timestamps, now } = this.system;
    const signed = await signStatement(
      kind,
      statement,
      options.identity ?? identity,
      options.timestamps ?? timestamps,
      options.time ?? now,
    );
    const { leaf, payload, timestamp, paeSha256 } = signed;
    const entry = { leaf, payload, timestamp, sha256: hex(paeSha256) };
    this.entries.push(entry);
    return entry;
  }

  open(predecessor?: TreeHeadFacts): Promise<MadeEntry> {
    const { origin, logSigner, now } = this.system;
    const keyId = hex(logKeyId(origin, logSigner));
    const facts = { origin, keyId, openedAt: now, mode: 'same-user' as const };
    return this.add('logOpen', logOpen({ ...facts, ...(predecessor && { predecessor }) }));
  }

  rootAt(size: number): Uint8Array {
    const leaves = this.entries.slice(0, size).map(({ leaf }) => leafHash(leaf));
    return rootOf(appendLeaves(emptyEdge, leaves).edge);
  }

  /** The log as it was with `size` entries. */
  before(size: number): MadeLog {
    const log = new MadeLog(this.system);
    log.entries.push(...this.entries.slice(0, size));
    return log;
  }

  /** The signed head over the first `size` entries. */
  checkpoint(size = this.entries.length): string {
    const { origin, logSigner } = this.system;
    return checkpointSigner(origin, logSigner)({ size, root: this.rootAt(size) });
  }

  /** The bundle of an entry, under the head of `size` entries. */
  envelope(index: number, size = this.entries.length): string {
    const { origin, logSigner, keys } = this.system;
    const leaves = this.entries.slice(0, size).map(({ leaf }) => leaf);
    return assembleBundle({
      signed: this.entries[index]!,
      issuer: keys.issuing.certificate,
      proof: proveIn(leaves, index, origin, logSigner),
      logKeyId: logKeyId(origin, logSigner),
    });
  }

  async exportTo(sink: TileSink): Promise<Exported> {
    const { origin, logSigner, trustedRootBytes } = this.system;
    const key = { name: origin, type: signatureTypes.ed25519, publicKey: logSigner.publicKey.slice(-32) };
    const log = {
      checkpoint: async () => ({ size: this.entries.length, text: this.checkpoint() }),
      entries: async (from: number, to: number) => this.entries.slice(from, to),
    };
    return exportLog(log, sink, { logKeys: [key], trustedRoot: trustedRootBytes });
  }
}

/** A session whose statements are numbered and linked as they should be, unless a test says otherwise. */
export class MadeSession {
  readonly id: string;
  readonly log: MadeLog;
  #seq = 0;
  #prev: string | undefined;

  constructor(log: MadeLog, id = crypto.randomUUID()) {
    this.log = log;
    this.id = id;
  }

  get link(): SessionFacts {
    return { id: this.id, seq: this.#seq, ...(this.#prev !== undefined && { prev: this.#prev }) };
  }

  async add(kind: StatementKind, statement: Statement, options?: RecordOptions): Promise<MadeEntry> {
    const entry = await this.log.add(kind, statement, options);
    this.#seq += 1;
    this.#prev = entry.sha256;
    return entry;
  }

  /** Leaves numbers out. */
  skip(count = 1): void {
    this.#seq += count;
  }

  open(): Promise<MadeEntry> {
    const openedAt = this.log.system.now;
    return this.add(
      'sessionOpen',
      sessionOpen({ session: this.link, openedAt, mode: 'same-user', principal }),
    );
  }

  close(count = this.link.seq + 1): Promise<MadeEntry> {
    const closedAt = this.log.system.now;
    return this.add('sessionClose', sessionClose({ session: this.link, closedAt, count, mode: 'same-user' }));
  }

  async verdict(
    callId: string,
    facts: Partial<VerdictFacts> = {},
    options?: RecordOptions,
  ): Promise<MadeVerdict> {
    const decidedAt = facts.decidedAt ?? this.log.system.now;
    const kind = facts.decision?.verdict === 'DENY' ? 'deny' : 'allow';
    const statement = verdictStatement({
      ...allowed,
      call: { ...allowed.call, id: callId },
      session: this.link,
      decidedAt,
      notAfter: decidedAt + 3_600_000,
      ...facts,
    });
    const logIndex = this.log.entries.length;
    const entry = await this.add(kind, statement, options);
    return { callId, logIndex, entry };
  }

  deny(callId: string): Promise<MadeVerdict> {
    return this.verdict(callId, { ...denied, call: { ...denied.call, id: callId }, session: this.link });
  }

  outcome(
    { callId, logIndex, entry }: MadeVerdict,
    facts: Partial<OutcomeFacts> = {},
    options?: RecordOptions,
  ): Promise<MadeEntry> {
    const { now } = this.log.system;
    const treeSize = logIndex + 1;
    return this.add(
      'outcome',
      outcomeStatement({
        callId,
        subject: allowed.commitments.subject,
        verdict: {
          sha256: entry.sha256,
          logIndex,
          treeSize,
          rootHash: hex(this.log.rootAt(treeSize)),
        },
        outcome: 'executed',
        startedAt: now,
        finishedAt: now,
        observedBy: 'gate',
        session: this.link,
        mode: 'same-user',
        ...facts,
      }),
      options,
    );
  }
}

export interface MadeVerdict {
  readonly callId: string;
  readonly logIndex: number;
  readonly entry: MadeEntry;
}

/** An export in memory. */
export class MemoryTree implements TileSink {
  readonly files = new Map<string, Uint8Array>();
  readonly written: string[] = [];

  async read(path: string): Promise<Uint8Array | undefined> {
    return this.files.get(path);
  }

  async write(path: string, bytes: Uint8Array): Promise<void> {
    this.files.set(path, bytes);
    this.written.push(path);
  }

  async removePartials(path: string): Promise<void> {
    for (const name of this.files.keys()) if (name.startsWith(`${path}.p/`)) this.files.delete(name);
  }

  copy(): MemoryTree {
    const copy = new MemoryTree();
    for (const [path, bytes] of this.files) copy.files.set(path, Uint8Array.from(bytes));
    return copy;
  }
}

export async function exported(log: MadeLog): Promise<MemoryTree> {
  const tree = new MemoryTree();
  await log.exportTo(tree);
  return tree;
}

export async function audit(
  log: MadeLog | MemoryTree,
  system: TestTrustSystem,
  options: Partial<AuditOptions> = {},
): Promise<AuditReport> {
  const source = log instanceof MadeLog ? await exported(log) : log;
  const trust = await loadTrust(system.trustedRootBytes);
  return auditLog(source, { trust, trustSource: 'given', ...options });
}

/** An audit, and what it leaves to the next one. */
export async function auditOn(
  log: MadeLog | MemoryTree,
  system: TestTrustSystem,
  options: Partial<AuditOptions> = {},
): Promise<{ readonly report: AuditReport; readonly state: Uint8Array | undefined }> {
  const made: Uint8Array[] = [];
  const report = await audit(log, system, { ...options, onState: (state) => made.push(state) });
  return { report, state: made[0] };
}

/** Every fault by its code and entry, as found. */
export function faultsOf({ ok, faults }: AuditReport): readonly string[] {
  if (ok !== (faults.total === 0)) throw new Error('a report contradicts itself');
  return faults.listed.map(({ code, index }) => (index === undefined ? code : `${code} ${index}`));
}

/** Adds entries that are cheap to make and signed for real, until there are `size`. */
export async function fillTo(log: MadeLog, size: number): Promise<void> {
  const { now } = log.system;
  while (log.entries.length < size) {
    const number = log.entries.length;
    await log.add(
      'change',
      changeStatement({ change: { kind: 'test', number }, changedAt: now, mode: 'same-user' }),
    );
  }
}
