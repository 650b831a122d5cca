import { beforeAll, describe, expect, it } from 'vitest';
import { hex, utf8 } from '../../src/call/sha256.ts';
import type { HeldFile } from '../../src/evidence/audit-held.ts';
import { metaKeys } from '../../src/names.ts';
import { newCallId } from '../verify/calls.ts';
import { testTrustSystem } from '../support/trust-system.ts';
import type { TestTrustSystem } from '../support/trust-system.ts';
import { audit, auditOn, exported, faultsOf, fillTo, MadeLog, MadeSession } from './made-log.ts';
import { alsoTrusting, systemWithLog } from './two-systems.ts';

let system: TestTrustSystem;
let log: MadeLog;
beforeAll(async () => {
  system = await testTrustSystem();
  log = new MadeLog(system);
  await log.open();
  const session = new MadeSession(log);
  await session.open();
  await session.outcome(await session.verdict(newCallId()));
  await fillTo(log, 300);
});

const holding = (...texts: string[]): { seen: readonly HeldFile[] } => ({
  seen: texts.map((text, i) => ({ name: `held ${i}`, bytes: utf8(text) })),
});

/** A tool result with the envelopes of entries 2 and 3. */
function answer(of: MadeLog, size?: number): string {
  const envelope = {
    verdict: JSON.parse(of.envelope(2, size)),
    outcome: JSON.parse(of.envelope(3, size)),
    openings: {},
  };
  return JSON.stringify({ content: [], _meta: { [metaKeys.envelope]: envelope } });
}

describe('what others hold', () => {
  it('is of a beginning of the log, in whichever form it comes', async () => {
    const lines = `${log.envelope(1, 200)}\n${answer(log, 200)}\n`;
    const held = holding(log.checkpoint(7), log.envelope(0, 299), answer(log), lines, log.checkpoint(0));
    const report = await audit(log, system, held);
    expect([faultsOf(report), report.seen]).toEqual([[], { heads: 5, otherLogs: 0 }]);
  });

  it('shows that the log’s end was cut off', async () => {
    for (const text of [log.checkpoint(), log.envelope(2), answer(log)]) {
      const report = await audit(log.before(299), system, holding(text));
      expect(faultsOf(report)).toEqual(['LOG_SHORTER']);
    }
  });

  it('shows a log that was written anew, whole and well signed as it is', async () => {
    const anew = log.before(2);
    const session = new MadeSession(anew);
    await session.open();
    await session.deny(newCallId());
    await session.close();
    await fillTo(anew, 320);
    expect(faultsOf(await audit(anew, system))).toEqual([]);
    for (const text of [log.checkpoint(250), log.envelope(2, 260), answer(log)]) {
      expect(faultsOf(await audit(anew, system, holding(text)))).toEqual(['LOG_FORKED']);
    }
    expect(faultsOf(await audit(anew, system, holding(log.checkpoint(2))))).toEqual([]);
  });

  it('is held against what an incremental audit does not replay, too', async () => {
    const { state } = await auditOn(log.before(290), system);
    const anew = log.before(289);
    await fillTo(anew, 295);
    const held = holding(log.checkpoint(5), log.envelope(2, 256), log.checkpoint(290), log.checkpoint(293));
    expect(faultsOf(await audit(log, system, { state: state!, ...held }))).toEqual([]);
    const other = new MadeLog(system);
    await other.open();
    await fillTo(other, 20);
    const foreign = holding(other.checkpoint(6), anew.checkpoint(290), anew.checkpoint(292));
    const report = await audit(log, system, { state: state!, ...foreign });
    expect(faultsOf(report)).toEqual(['LOG_FORKED', 'LOG_FORKED', 'LOG_FORKED']);
    const tree = await exported(log);
    tree.files.delete('tile/0/000');
    expect(faultsOf(await audit(tree, system, { state: state!, ...holding(log.checkpoint(5)) }))).toEqual([
      'FILE_MISSING',
    ]);
  });

  it('shows two heads of one size, of which the log can have but one', async () => {
    const other = log.before(100);
    await fillTo(other, 150);
    const report = await audit(log, system, holding(log.checkpoint(150), other.checkpoint(150)));
    expect(faultsOf(report)).toEqual(['LOG_FORKED']);
    expect(report.faults.listed[0]?.message).toContain('held 1');
  });

  it('is evidence only when it verifies', async () => {
    const stranger = await testTrustSystem();
    const strange = new MadeLog(stranger);
    await strange.open();
    const forged = log
      .envelope(2)
      .replace(/("sig":"[^"]{40})(.)/, (_, head, next) => `${head}${next === 'A' ? 'B' : 'A'}`);
    for (const text of ['', '{}', 'nothing', strange.checkpoint(), strange.envelope(0), forged]) {
      const refused = audit(log, system, holding(text));
      await expect(refused, text).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
    }
  });
});

describe('a log that goes on from another one', () => {
  let older: MadeLog;
  let both: TestTrustSystem;
  beforeAll(async () => {
    const before = await systemWithLog('older.test.example');
    older = new MadeLog(before);
    await older.open();
    await fillTo(older, 9);
    both = alsoTrusting(system, before);
  });

  const goingOn = async (size: number, rootHash = hex(older.rootAt(size))): Promise<MadeLog> => {
    const next = new MadeLog(both);
    await next.open({ origin: 'older.test.example', treeSize: size, rootHash });
    await fillTo(next, 3);
    return next;
  };

  it('cites its last head, and what others hold of it is no newer', async () => {
    const report = await audit(await goingOn(9), both, holding(older.checkpoint(9), older.envelope(3, 9)));
    expect([faultsOf(report), report.seen]).toEqual([[], { heads: 1, otherLogs: 0 }]);
  });

  it('may not leave its end out, nor cite a tree that it never had', async () => {
    for (const [next, held] of [
      [await goingOn(8), older.checkpoint(9)],
      [await goingOn(8), older.envelope(8, 9)],
      [await goingOn(9, 'a'.repeat(64)), older.checkpoint(9)],
    ] as const) {
      expect(faultsOf(await audit(next, both, holding(held)))).toEqual(['PREDECESSOR_FORKED 0']);
    }
  });

  it('is not judged by what says nothing of it', async () => {
    const smaller = await audit(await goingOn(9), both, holding(older.checkpoint(7)));
    expect([faultsOf(smaller), smaller.seen]).toEqual([[], { heads: 1, otherLogs: 1 }]);
    const unrelated = await audit(log, both, holding(older.checkpoint(9)));
    expect([faultsOf(unrelated), unrelated.seen]).toEqual([[], { heads: 1, otherLogs: 1 }]);
  });

  it('goes on from a log, and not from itself or from nothing', async () => {
    const self = new MadeLog(system);
    await self.open({ origin: system.origin, treeSize: 9, rootHash: 'a'.repeat(64) });
    expect(faultsOf(await audit(self, system))).toEqual(['GENESIS_WRONG 0']);
    expect(faultsOf(await audit(await goingOn(9, 'abc'), both))).toEqual(['GENESIS_WRONG 0']);
  });
});
