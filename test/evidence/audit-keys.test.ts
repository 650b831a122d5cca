import { beforeAll, describe, expect, it } from 'vitest';
import { hex, sha256 } from '../../src/call/sha256.ts';
import type { KeyEventFacts, KeyPurpose } from '../../src/envelope/facts.ts';
import { change as changeStatement, keyEvent } from '../../src/envelope/statements.ts';
import { ecdsaSigner } from '../../src/pki/signer-node.ts';
import { testTrustSystem } from '../support/trust-system.ts';
import type { RecordOptions, TestTrustSystem } from '../support/trust-system.ts';
import { audit, auditOn, faultsOf, fillTo, MadeLog } from './made-log.ts';
import { alsoTrusting, systemWithLog } from './two-systems.ts';

/** The keys that a log begins with, and the keys that take their place. */
let old: TestTrustSystem;
let next: TestTrustSystem;
beforeAll(async () => {
  next = await testTrustSystem();
  old = alsoTrusting(await testTrustSystem(), next);
});

const digest = ({ publicKey }: { readonly publicKey: Uint8Array }): string => hex(sha256(publicKey));

async function begun(): Promise<MadeLog> {
  const log = new MadeLog(old);
  await log.open();
  await fillTo(log, 3);
  return log;
}

async function announce(
  log: MadeLog,
  purpose: KeyPurpose,
  from: string,
  to: string,
  options: RecordOptions = {},
) {
  const facts: KeyEventFacts = {
    purpose,
    keyId: from,
    event: 'rotated',
    successor: to,
    occurredAt: old.now,
    mode: 'same-user',
  };
  await log.add('keyEvent', keyEvent(facts), options);
}

describe('the keys of a log', () => {
  it('are reported, with the entries that rely on them', async () => {
    const report = await audit(await begun(), old);
    expect(faultsOf(report)).toEqual([]);
    const used = { entries: 3, first: 0, last: 2, announced: 0 };
    expect(report.keys).toEqual([
      { purpose: 'ca', sha256: digest(old.caSigner), ...used },
      { purpose: 'timestamp', sha256: digest(ecdsaSigner(old.keys.timestamp.privateKey)), ...used },
      { purpose: 'ct', sha256: digest(old.ctSigner), ...used },
      { purpose: 'log', sha256: digest(old.logSigner), entries: 0, announced: 0 },
    ]);
  });

  it('do not come into use without a word, though the trust root has them', async () => {
    const log = await begun();
    await log.add('change', changeOf(log), { identity: next.identity });
    await log.add('change', changeOf(log), { timestamps: next.timestamps });
    expect(faultsOf(await audit(log, old)).toSorted()).toEqual([
      'KEY_UNANNOUNCED 3',
      'KEY_UNANNOUNCED 3',
      'KEY_UNANNOUNCED 4',
    ]);
  });

  it('may change when the log says so, also in an entry that already relies on the new one', async () => {
    const log = await begun();
    await announce(log, 'ca', digest(old.caSigner), digest(next.caSigner));
    await announce(log, 'ct', digest(old.ctSigner), digest(next.ctSigner), { identity: next.identity });
    await fillTo(log, 7);
    const report = await audit(log, old);
    expect(faultsOf(report)).toEqual([]);
    expect(report.keys).toContainEqual({
      purpose: 'ca',
      sha256: digest(next.caSigner),
      entries: 1,
      first: 4,
      last: 4,
      announced: 3,
    });
  });

  it('are remembered from one audit to the next, announced or not', async () => {
    const log = await begun();
    await announce(log, 'ca', digest(old.caSigner), digest(next.caSigner));
    await announce(log, 'ct', digest(old.ctSigner), digest(next.ctSigner));
    const { state } = await auditOn(log, old);
    await log.add('change', changeOf(log), { identity: next.identity });
    expect(faultsOf(await audit(log, old, { state: state! }))).toEqual([]);
    await log.add('change', changeOf(log), { timestamps: next.timestamps });
    expect(faultsOf(await audit(log, old, { state: state! }))).toEqual(['KEY_UNANNOUNCED 6']);
  });

  it('include the one that signs the head, which the first entry names or an event brings', async () => {
    const newer = await systemWithLog(old.origin);
    const both = alsoTrusting(old, newer);
    const log = new MadeLog(both);
    await log.open();
    const rotated = new MadeLog({ ...both, logSigner: newer.logSigner });
    rotated.entries.push(...log.entries);
    expect(faultsOf(await audit(rotated, both))).toEqual(['KEY_UNANNOUNCED']);
    await announce(rotated, 'log', digest(old.logSigner), digest(newer.logSigner));
    expect(faultsOf(await audit(rotated, both))).toEqual([]);
  });
});

function changeOf(log: MadeLog): Parameters<MadeLog['add']>[1] {
  return changeStatement({
    change: { kind: 'test', number: log.entries.length },
    changedAt: old.now,
    mode: 'same-user',
  });
}
