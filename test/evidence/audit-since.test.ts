import { beforeAll, describe, expect, it } from 'vitest';
import { fromUtf8, utf8 } from '../../src/call/sha256.ts';
import { change } from '../../src/envelope/statements.ts';
import type { AuditReport } from '../../src/evidence/audit-report.ts';
import { newCallId } from '../verify/calls.ts';
import { testTrustSystem } from '../support/trust-system.ts';
import type { TestTrustSystem } from '../support/trust-system.ts';
import { flipBit } from '../tlog/reference.ts';
import { audit, auditOn, exported, faultsOf, fillTo, MadeLog, MadeSession } from './made-log.ts';
import type { MemoryTree } from './made-log.ts';

let system: TestTrustSystem;
beforeAll(async () => {
  system = await testTrustSystem();
});

/** Sessions side by side, calls that end late or never, and one of each thing that must not be. */
async function crookedLog(): Promise<MadeLog> {
  const log = new MadeLog(system);
  await log.open();
  const [a, b] = [new MadeSession(log), new MadeSession(log)];
  await a.open();
  await b.open();
  const slow = await a.verdict(newCallId());
  const denied = await b.deny(newCallId());
  const quick = await b.verdict(newCallId());
  await b.outcome(quick);
  const { now } = system;
  await a.verdict(newCallId(), { decidedAt: now, notAfter: now + 5_000 });
  b.skip();
  await b.deny(newCallId());
  await b.outcome(quick);
  await b.deny(slow.callId);
  await a.outcome(denied);
  await a.outcome(slow, { startedAt: system.now - 3_600_000 });
  const early = { callId: newCallId(), logIndex: 1, entry: log.entries[1]! };
  await a.outcome(early);
  await a.close(99);
  await b.close();
  await a.deny(newCallId());
  await b.deny(quick.callId);
  await new MadeSession(log).deny(newCallId());
  const later = { time: now + 600_000 };
  await log.add('change', change({ change: { kind: 'a' }, changedAt: now, mode: 'same-user' }));
  await log.add('change', change({ change: { kind: 'b' }, changedAt: later.time, mode: 'same-user' }), later);
  const [copy] = log.entries.slice(-2);
  log.entries.push(copy!);
  return log;
}

const sorted = (faults: readonly string[]): readonly string[] => [...new Set(faults)].toSorted();

describe('an audit that goes on from a state', () => {
  it('finds what a whole one finds, wherever the log is cut in two', async () => {
    const log = await crookedLog();
    const whole = await auditOn(log, system);
    expect(sorted(faultsOf(whole.report)).map((fault) => fault.split(' ')[0])).toEqual(
      expect.arrayContaining([
        'CALL_DUPLICATE',
        'ENTRY_DUPLICATE',
        'LOG_TIME_BACKWARDS',
        'OUTCOME_DUPLICATE',
        'OUTCOME_MISSING',
        'OUTCOME_WITHOUT_ALLOW',
        'PAIR_MISMATCH',
        'SESSION_AFTER_CLOSE',
        'SESSION_COUNT_WRONG',
        'SESSION_GAP',
        'SESSION_NOT_OPENED',
      ]),
    );
    for (let cut = 1; cut <= log.entries.length; cut++) {
      const first = await auditOn(log.before(cut), system);
      const second = await auditOn(log, system, { state: first.state! });
      const faults = [...faultsOf(first.report), ...faultsOf(second.report)];
      expect([cut, sorted(faults)]).toEqual([cut, sorted(faultsOf(whole.report))]);
      expect(second.report).toMatchObject({
        since: { size: cut, continued: true, earlierFaults: first.report.faults.total },
        entries: { replayed: log.entries.length - cut },
        openCalls: whole.report.openCalls,
        sessions: { open: whole.report.sessions.open },
        keys: whole.report.keys,
      });
      expect(setsOf(second.state)).toEqual(setsOf(whole.state));
    }
  });

  it('reads of the older entries no more than the last bundle that was not full', async () => {
    const log = new MadeLog(system);
    await log.open();
    await fillTo(log, 600);
    const { state } = await auditOn(log.before(520), system);
    const tree = await exported(log);
    const read = tree.read.bind(tree);
    const paths: string[] = [];
    tree.read = (path) => {
      paths.push(path);
      return read(path);
    };
    const { report } = await auditOn(tree, system, { state: state! });
    expect([report.entries.replayed, faultsOf(report)]).toEqual([80, []]);
    expect(sorted(paths)).toEqual([
      'checkpoint',
      'tile/0/002.p/88',
      'tile/1/000.p/2',
      'tile/entries/002.p/88',
      'tile/statements/002.p/88',
    ]);
  });

  it('has nothing to replay when nothing is new', async () => {
    const log = await crookedLog();
    const whole = await auditOn(log, system);
    const again = await auditOn(log, system, { state: whole.state! });
    expect(again.report).toMatchObject({ entries: { replayed: 0 }, since: { continued: true } });
    expect(sorted(faultsOf(again.report)).every((fault) => fault.startsWith('OUTCOME_MISSING'))).toBe(true);
  });

  it('knows a log that was set back, or forked, and leaves no new state', async () => {
    const log = new MadeLog(system);
    await log.open();
    await fillTo(log, 300);
    const { state } = await auditOn(log, system);
    const shorter = await auditOn(log.before(299), system, { state: state! });
    expect([faultsOf(shorter.report), shorter.state]).toEqual([['LOG_SHORTER'], undefined]);
    const other = log.before(280);
    await fillTo(other, 310);
    other.entries[285] = other.entries[290]!;
    const forked = await auditOn(other, system, { state: state! });
    expect([faultsOf(forked.report), forked.state]).toEqual([['LOG_FORKED'], undefined]);
    expect(forked.report).toMatchObject({ since: { continued: false }, entries: { replayed: 0 } });
  });

  it('believes tiles only when they lead to both heads', async () => {
    const log = new MadeLog(system);
    await log.open();
    await fillTo(log, 520);
    const { state } = await auditOn(log.before(515), system);
    const tree = await exported(log);
    const check = async (
      path: string,
      forge: (bytes: Uint8Array) => Uint8Array | undefined,
    ): Promise<unknown> => {
      const forged = tree.copy();
      const bytes = forge(tree.files.get(path)!);
      if (bytes === undefined) forged.files.delete(path);
      else forged.files.set(path, bytes);
      const { report, state: next } = await auditOn(forged, system, { state: state! });
      expect([report.since?.continued, next]).toEqual([false, undefined]);
      return faultsOf(report);
    };
    for (const path of ['tile/0/002.p/8', 'tile/1/000.p/2']) {
      expect(await check(path, (bytes) => flipBit(bytes, 3))).toEqual(['TILE_MISMATCH']);
      expect(await check(path, (bytes) => bytes.subarray(0, 17))).toEqual(['FILE_MALFORMED']);
      expect(await check(path, () => undefined)).toEqual(['FILE_MISSING']);
    }
  });

  it('leaves no state where statements were missing, which the next one would miss too', async () => {
    const log = new MadeLog(system);
    await log.open();
    const tree = await exported(log);
    tree.files.delete('tile/statements/000.p/1');
    const { report, state } = await auditOn(tree, system);
    expect([faultsOf(report), state]).toEqual([['FILE_MISSING 0'], undefined]);
  });

  it('is given a state that says what it should, and no checkpoint beside it', async () => {
    const log = await crookedLog();
    const { state } = await auditOn(log.before(12), system);
    const text = fromUtf8(state!)!;
    for (const wrong of [
      '',
      '[]',
      '{}',
      text.replace('/v1', '/v2'),
      text.replace('"faults":', '"faults":-'),
      text.replace('"callId"', '"caller"'),
      text.replace('"kind":"allow"', '"kind":"deny"'),
      text.replace('"settled":"', '"settled":"AAAA'),
      text.replace('"loose":"', '"loose":"A'),
      text.replace('"purpose":"ca"', '"purpose":"cab"'),
      text.replace('"next":', '"next":1.5,"more":'),
      text.replace('\\n12\\n', '\\n11\\n'),
    ]) {
      expect(wrong).not.toBe(text);
      const refused = audit(log, system, { state: utf8(wrong) });
      await expect(refused, wrong).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
    }
    const both = audit(log, system, { state: state!, since: utf8(log.checkpoint(12)) });
    await expect(both).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
  });
});

describe('an audit that goes on from a checkpoint alone', () => {
  const notJudged = ({ since }: AuditReport): unknown => since?.unjudged;

  it('blames nothing for what it did not see, and counts it', async () => {
    const log = new MadeLog(system);
    await log.open();
    const session = new MadeSession(log);
    await session.open();
    const verdict = await session.verdict(newCallId());
    const since = utf8(log.checkpoint());
    await session.outcome(verdict);
    await session.outcome(await session.verdict(newCallId()));
    await session.close();
    const { report, state } = await auditOn(log, system, { since });
    expect([faultsOf(report), notJudged(report), state]).toEqual([
      [],
      { outcomes: 1, sessions: 1 },
      undefined,
    ]);
    expect(report.keys).toHaveLength(3);
  });

  it('still judges what it sees', async () => {
    const log = new MadeLog(system);
    await log.open();
    const session = new MadeSession(log);
    await session.open();
    const verdict = await session.verdict(newCallId());
    const since = utf8(log.checkpoint());
    await session.outcome(verdict);
    await session.outcome(verdict);
    session.skip();
    await session.deny(newCallId());
    const { callId } = await session.deny(newCallId());
    await session.deny(callId);
    await new MadeSession(log).deny(newCallId());
    await session.outcome({ callId: newCallId(), logIndex: 7, entry: log.entries[7]! });
    const { report } = await auditOn(log, system, { since });
    expect(sorted(faultsOf(report))).toEqual(
      sorted([
        'CALL_DUPLICATE 7',
        'OUTCOME_DUPLICATE 4',
        'OUTCOME_WITHOUT_ALLOW 9',
        'SESSION_GAP 5',
        'SESSION_NOT_OPENED 8',
      ]),
    );
    expect(notJudged(report)).toEqual({ outcomes: 1, sessions: 1 });
  });

  it('holds an outcome to the tree that it names, also where nobody knows its verdict', async () => {
    const log = new MadeLog(system);
    await log.open();
    const session = new MadeSession(log);
    await session.open();
    const verdict = await session.verdict(newCallId());
    const since = utf8(log.checkpoint());
    const reference = { sha256: verdict.entry.sha256, logIndex: 2, treeSize: 2, rootHash: 'c'.repeat(64) };
    await session.outcome(verdict, { verdict: reference });
    expect(faultsOf(await audit(log, system, { since }))).toEqual(['VERDICT_ROOT_WRONG 3']);
  });

  it('is of the log that signed it', async () => {
    const log = new MadeLog(system);
    await log.open();
    const empty: MemoryTree = await exported(log);
    const report = await audit(empty, system, { since: utf8(log.checkpoint(0)) });
    expect([faultsOf(report), report.since?.continued]).toEqual([[], true]);
  });
});

/** What is remembered of calls and sessions, whatever the order of its sets. */
function setsOf(state: Uint8Array | undefined): unknown {
  const { calls, sessions, loose } = JSON.parse(fromUtf8(state!)!) as {
    calls: { denied: string; settled: string; open: unknown };
    sessions: { closed: string; open: unknown };
    loose: string;
  };
  const split = (digests: string): readonly string[] =>
    (Buffer.from(digests, 'base64').toString('hex').match(/.{32}/g) ?? []).toSorted();
  return {
    calls: [calls.open, split(calls.denied), split(calls.settled)],
    sessions: [sessions.open, split(sessions.closed)],
    loose: split(loose),
  };
}
