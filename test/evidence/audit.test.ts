import { beforeAll, describe, expect, it } from 'vitest';
import { change } from '../../src/envelope/statements.ts';
import { hex } from '../../src/call/sha256.ts';
import { denied } from '../envelope/facts.ts';
import { newCallId } from '../verify/calls.ts';
import { forgeIdentity } from '../verify/forge.ts';
import { testTrustSystem } from '../support/trust-system.ts';
import type { TestTrustSystem } from '../support/trust-system.ts';
import { audit, faultsOf, fillTo, MadeLog, MadeSession } from './made-log.ts';

let system: TestTrustSystem;
beforeAll(async () => {
  system = await testTrustSystem();
});

/** A log that was opened, and an open session: entries 0 and 1. */
async function begun(): Promise<{ log: MadeLog; session: MadeSession }> {
  const log = new MadeLog(system);
  await log.open();
  const session = new MadeSession(log);
  await session.open();
  return { log, session };
}

const denial = { decision: denied.decision, standing: denied.standing };
const at = (ms: number) => ({ time: system.now + ms });

describe('an audit of a log in order', () => {
  it('finds no fault, and counts what there is', async () => {
    const { log, session } = await begun();
    await session.outcome(await session.verdict(newCallId()));
    await session.deny(newCallId());
    await session.outcome(await session.verdict(newCallId()), { outcome: 'failed' });
    await session.close();
    const report = await audit(log, system);
    expect(faultsOf(report)).toEqual([]);
    expect(report).toMatchObject({
      ok: true,
      log: { origin: system.origin, size: 8 },
      trust: { source: 'given' },
      entries: {
        replayed: 8,
        verified: 8,
        kinds: { logOpen: 1, sessionOpen: 1, allow: 2, outcome: 2, deny: 1, sessionClose: 1 },
        signers: { 'spiffe://test.example/gate/one': 8 },
        modes: { 'same-user': 5 },
        outcomes: { executed: 1, failed: 1 },
      },
      sessions: { opened: 1, closed: 1, open: [] },
      openCalls: [],
    });
  });

  it('notes sessions and calls that may still run, and does not blame them', async () => {
    const { log, session } = await begun();
    const callId = newCallId();
    await session.verdict(callId);
    const report = await audit(log, system);
    expect(faultsOf(report)).toEqual([]);
    expect(report.openCalls).toMatchObject([{ callId, index: 2, tool: 'files/read_file', overdue: false }]);
    expect(report.sessions.open).toEqual([{ id: session.id, statements: 2, since: 1 }]);
  });

  it('reports progress up to the whole log', async () => {
    const { log } = await begun();
    const seen: string[] = [];
    await audit(log, system, { onProgress: (done, total) => seen.push(`${done}/${total}`) });
    expect(seen).toEqual(['2/2']);
  });
});

describe('sessions', () => {
  it('that lack a number have a gap', async () => {
    const { log, session } = await begun();
    session.skip();
    await session.deny(newCallId());
    expect(faultsOf(await audit(log, system))).toEqual(['SESSION_GAP 2']);
  });

  it('that give a number twice have two histories', async () => {
    const { log, session } = await begun();
    await session.deny(newCallId());
    session.skip(-1);
    await session.deny(newCallId());
    expect(faultsOf(await audit(log, system))).toEqual(['SESSION_DUPLICATE 3']);
  });

  it('whose statement names another one before it are broken', async () => {
    const { log, session } = await begun();
    const { seq } = session.link;
    await session.verdict(newCallId(), {
      ...denial,
      session: { id: session.id, seq, prev: '0'.repeat(64) },
    });
    const report = await audit(log, system);
    expect(faultsOf(report)[0]).toBe('SESSION_LINK_BROKEN 2');
  });

  it('that nobody opened are reported', async () => {
    const log = new MadeLog(system);
    await log.open();
    await new MadeSession(log).deny(newCallId());
    expect(faultsOf(await audit(log, system))).toEqual(['SESSION_NOT_OPENED 1']);
  });

  it('that close with another count than they have are reported', async () => {
    const { log, session } = await begun();
    await session.close(7);
    expect(faultsOf(await audit(log, system))).toEqual(['SESSION_COUNT_WRONG 2']);
  });

  it('are opened once', async () => {
    const { log, session } = await begun();
    await session.deny(newCallId());
    await session.open();
    expect(faultsOf(await audit(log, system))).toEqual(['SESSION_REOPENED 3']);
  });

  it('that were numbered anew are broken at the first number', async () => {
    const { log, session } = await begun();
    await session.deny(newCallId());
    await session.deny(newCallId());
    // The first denial is left out, and the second stands in the place of it: its link says otherwise.
    log.entries.splice(2, 1);
    expect(faultsOf(await audit(log, system))).toEqual(['SESSION_GAP 2']);
    const [link, prev] = [session.link, log.entries[0]!.sha256];
    await session.verdict(newCallId(), { ...denial, session: { ...link, prev } });
    expect(faultsOf(await audit(log, system))).toEqual(['SESSION_GAP 2', 'SESSION_LINK_BROKEN 3']);
  });

  it('do not go on once they are closed', async () => {
    const { log, session } = await begun();
    await session.close();
    await session.deny(newCallId());
    expect(faultsOf(await audit(log, system))).toEqual(['SESSION_AFTER_CLOSE 3']);
  });
});

describe('calls', () => {
  it('whose lease ended before the log did need an outcome', async () => {
    const { log, session } = await begun();
    const { now } = system;
    await session.verdict(newCallId(), { decidedAt: now, notAfter: now + 5_000 });
    await session.close();
    await log.add('change', changeAt(now + 600_000), at(600_000));
    const report = await audit(log, system);
    expect(faultsOf(report)).toEqual(['OUTCOME_MISSING 2']);
    expect(report.openCalls).toMatchObject([{ overdue: true }]);
  });

  it('have one verdict', async () => {
    const { log, session } = await begun();
    const callId = newCallId();
    await session.outcome(await session.verdict(callId));
    await session.deny(callId);
    expect(faultsOf(await audit(log, system))).toEqual(['CALL_DUPLICATE 4']);
  });

  it('have one outcome', async () => {
    const { log, session } = await begun();
    const verdict = await session.verdict(newCallId());
    await session.outcome(verdict);
    await session.outcome(verdict, { outcome: 'failed' });
    expect(faultsOf(await audit(log, system))).toEqual(['OUTCOME_DUPLICATE 4']);
  });

  it('begin after they were decided', async () => {
    const { log, session } = await begun();
    const verdict = await session.verdict(newCallId());
    await session.outcome(verdict, { startedAt: system.now - 59_000 });
    expect(faultsOf(await audit(log, system))).toEqual([]);
    await session.outcome(await session.verdict(newCallId()), { startedAt: system.now - 61_000 });
    expect(faultsOf(await audit(log, system))).toEqual(['PAIR_MISMATCH 5']);
  });

  it('are stamped after they were decided', async () => {
    const { log, session } = await begun();
    const verdict = await session.verdict(newCallId(), { decidedAt: system.now + 300_000 }, at(300_000));
    await session.outcome(verdict, {}, at(0));
    expect(faultsOf(await audit(log, system))).toContain('PAIR_MISMATCH 3');
  });

  it('end with their lease, unless nobody knows whether they ran', async () => {
    const { log, session } = await begun();
    const { now } = system;
    const late = { startedAt: now, finishedAt: now + 120_000 };
    const lease = { decidedAt: now, notAfter: now + 5_000 };
    for (const outcome of ['executed', 'failed', 'aborted', 'unknown'] as const) {
      await session.outcome(await session.verdict(newCallId(), lease), { ...late, outcome }, at(120_000));
      await session.outcome(await session.verdict(newCallId(), lease), { outcome });
    }
    const faults = faultsOf(await audit(log, system)).filter((fault) => !fault.startsWith('LOG_TIME'));
    expect(faults).toEqual(['LEASE_EXCEEDED 3', 'LEASE_EXCEEDED 7']);
  });

  it('have no outcome without a verdict', async () => {
    const { log, session } = await begun();
    const [, opening] = log.entries;
    await session.outcome({ callId: newCallId(), logIndex: 1, entry: opening! });
    expect(faultsOf(await audit(log, system))).toEqual(['OUTCOME_WITHOUT_ALLOW 2']);
  });

  it('have no outcome when they were denied', async () => {
    const { log, session } = await begun();
    await session.outcome(await session.deny(newCallId()));
    expect(faultsOf(await audit(log, system))).toEqual(['OUTCOME_WITHOUT_ALLOW 3']);
  });

  it('have their outcome after their verdict', async () => {
    const { log, session } = await begun();
    const callId = newCallId();
    await session.outcome({ callId, logIndex: 1, entry: log.entries[1]! });
    await session.verdict(callId);
    expect(faultsOf(await audit(log, system))).toEqual(['OUTCOME_BEFORE_VERDICT 3']);
  });

  it.each([
    ['digest', { sha256: 'a'.repeat(64) }, 'PAIR_MISMATCH 3'],
    ['index', { logIndex: 1 }, 'PAIR_MISMATCH 3'],
    ['root', { rootHash: 'b'.repeat(64) }, 'VERDICT_ROOT_WRONG 3'],
  ])('are named by their outcome with the right %s', async (_, wrong, fault) => {
    const { log, session } = await begun();
    const verdict = await session.verdict(newCallId());
    const reference = {
      sha256: verdict.entry.sha256,
      logIndex: 2,
      treeSize: 3,
      rootHash: hex(log.rootAt(3)),
      ...wrong,
    };
    await session.outcome(verdict, { verdict: reference });
    expect(faultsOf(await audit(log, system))).toEqual([fault]);
  });

  it('are not named by a tree that is yet to come', async () => {
    const { log, session } = await begun();
    const verdict = await session.verdict(newCallId());
    const reference = { sha256: verdict.entry.sha256, logIndex: 2, treeSize: 9, rootHash: 'c'.repeat(64) };
    await session.outcome(verdict, { verdict: reference });
    expect(faultsOf(await audit(log, system))).toEqual(['PAIR_MISMATCH 3', 'VERDICT_ROOT_WRONG 3']);
  });
});

describe('keys and time', () => {
  it('a statement signed with an expired certificate is a fault', async () => {
    const { log, session } = await begun();
    const { now } = system;
    const expired = await system.issue({ notBefore: now - 1_800_000, notAfter: now - 600_000 });
    // A gate would refuse to sign with it.
    await session.verdict(newCallId(), denial, { identity: { ...expired, notAfter: now + 1 } });
    expect(faultsOf(await audit(log, system))).toEqual(['CERTIFICATE_EXPIRED 2']);
  });

  it('a statement signed by somebody else’s CA is a fault', async () => {
    const { log, session } = await begun();
    const other = await testTrustSystem();
    await session.verdict(newCallId(), denial, { identity: other.identity });
    expect(faultsOf(await audit(log, system))).toContain('CERTIFICATE_CHAIN 2');
  });

  it('a statement signed with a certificate that is not a gate’s is a fault', async () => {
    const { log, session } = await begun();
    const identity = forgeIdentity(system, { scts: 0 });
    await session.verdict(newCallId(), denial, { identity });
    expect(faultsOf(await audit(log, system))).toEqual(['SCT_INVALID 2']);
  });

  it('a statement of another time than its stamp is a fault', async () => {
    const { log, session } = await begun();
    const decidedAt = system.now + 600_000;
    await session.verdict(newCallId(), { ...denial, decidedAt, notAfter: decidedAt });
    await log.add('change', changeAt(system.now - 600_000));
    expect(faultsOf(await audit(log, system))).toEqual(['TIME_CONTRADICTION 2', 'TIME_CONTRADICTION 3']);
  });

  it('the log’s time does not go back', async () => {
    const { log } = await begun();
    await log.add('change', changeAt(system.now + 60_000), at(60_000));
    await log.add('change', changeAt(system.now + 56_000), at(56_000));
    expect(faultsOf(await audit(log, system))).toEqual([]);
    await log.add('change', changeAt(system.now + 50_000), at(50_000));
    expect(faultsOf(await audit(log, system))).toEqual(['LOG_TIME_BACKWARDS 4']);
  });

  it('a statement that was moved from another log names a tree that this one never had', async () => {
    const other = await begun();
    const verdict = await other.session.verdict(newCallId());
    await other.session.outcome(verdict);
    const { log } = await begun();
    await fillTo(log, 7);
    log.entries.push(...other.log.entries.slice(1));
    expect(faultsOf(await audit(log, system))).toEqual(['PAIR_MISMATCH 9', 'VERDICT_ROOT_WRONG 9']);
  });

  it('a statement outside sessions is not said twice', async () => {
    const { log } = await begun();
    await log.add('change', changeAt(system.now));
    log.entries.push(log.entries[2]!);
    expect(faultsOf(await audit(log, system))).toEqual(['ENTRY_DUPLICATE 3']);
  });

  it('a leaf that is not its statement’s is a fault', async () => {
    const { log, session } = await begun();
    const { entry } = await session.deny(newCallId());
    log.entries[2] = { ...entry, leaf: log.entries[1]!.leaf };
    expect(faultsOf(await audit(log, system))).toContain('LEAF_MISMATCH 2');
  });

  it('a log opens once', async () => {
    const { log } = await begun();
    await log.open();
    expect(faultsOf(await audit(log, system))).toContain('GENESIS_WRONG 2');
  });

  it('a log opens by saying which one it is', async () => {
    const log = new MadeLog(system);
    await new MadeSession(log).open();
    expect(faultsOf(await audit(log, system))).toEqual(['GENESIS_WRONG 0']);
  });
});

function changeAt(changedAt: number) {
  return change({ change: { kind: 'test' }, changedAt, mode: 'same-user' });
}
