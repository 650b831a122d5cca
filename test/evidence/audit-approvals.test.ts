import { beforeAll, describe, expect, it } from 'vitest';
import { approval as approvalStatement, change } from '../../src/envelope/statements.ts';
import type { ApprovalFacts, VerdictFacts } from '../../src/envelope/facts.ts';
import { allowed } from '../envelope/facts.ts';
import { newCallId } from '../verify/calls.ts';
import { testTrustSystem } from '../support/trust-system.ts';
import type { TestTrustSystem } from '../support/trust-system.ts';
import { audit, auditOn, faultsOf, MadeLog, MadeSession } from './made-log.ts';

let system: TestTrustSystem;
beforeAll(async () => {
  system = await testTrustSystem();
});

const minute = 60_000;
const request = 'd'.repeat(64);
const id = 'abcdefgh234567ab';
const terms = { rule: 'pay', from: ['operator'], count: 1, by: 'any' };
const obligations = [{ type: 'approval', ...terms, within: 15 * minute }];

function answerFacts(more: Partial<ApprovalFacts> = {}): ApprovalFacts {
  return {
    id,
    request,
    answer: 'approve',
    by: 'operator',
    as: 'operator',
    method: 'terminal',
    answeredAt: system.now,
    requestedAt: system.now,
    expiresAt: system.now + 15 * minute,
    callId: newCallId(),
    tenant: 'default',
    tool: { server: 'files', name: 'read_file' },
    rule: 'pay',
    policy: '7'.repeat(64),
    mode: 'same-user',
    ...more,
  };
}

/** A log with one session, in which calls are approved and run. */
async function begun() {
  const log = new MadeLog(system);
  await log.open();
  const session = new MadeSession(log);
  await session.open();
  const answer = async (more: Partial<ApprovalFacts> = {}): Promise<string> =>
    (await log.add('approval', approvalStatement(answerFacts(more)))).sha256;
  const run = async (statement: string, more: object = {}, demanded = obligations): Promise<void> => {
    const instant = (at: number): string => new Date(at).toISOString();
    const approval = {
      id,
      request: { sha256: request, covers: 'arguments' },
      ...terms,
      requestedAt: instant(system.now),
      expiresAt: instant(system.now + 15 * minute),
      grants: [
        {
          by: 'operator',
          as: 'operator',
          method: 'terminal',
          at: instant(system.now),
          statement: { sha256: statement },
        },
      ],
      ...more,
    };
    const facts = {
      decision: { ...allowed.decision, obligations: demanded },
      approvals: [approval],
    } as unknown as Partial<VerdictFacts>;
    await session.outcome(await session.verdict(newCallId(), facts));
  };
  return { log, answer, run };
}

describe('approvals in a log', () => {
  it('are in order when each was given before it was used, once', async () => {
    const { log, answer, run } = await begun();
    await run(await answer());
    const other = { id: 'zzzzzzzzzzzzzzzz', request: 'e'.repeat(64) };
    await run(await answer(other), { id: other.id, request: { sha256: other.request, covers: 'params' } });
    expect(faultsOf(await audit(log, system))).toEqual([]);
  });

  it('are used once', async () => {
    const { log, answer, run } = await begun();
    const statement = await answer();
    await run(statement);
    await run(statement);
    expect(faultsOf(await audit(log, system))).toEqual(['APPROVAL_REUSED 5']);
  });

  it('that nobody gave are found: no statement, one of another request, a refusal', async () => {
    for (const [more, used] of [
      [{}, 'f'.repeat(64)],
      [{ request: 'e'.repeat(64) }, undefined],
      [{ id: 'zzzzzzzzzzzzzzzz' }, undefined],
      [{ by: { issuer: 'https://idp.example.org', subject: 'lea' }, method: 'token' }, undefined],
      [{ answer: 'deny' }, undefined],
    ] as const) {
      const { log, answer, run } = await begun();
      const statement = await answer(more);
      await run(used ?? statement);
      expect(faultsOf(await audit(log, system))).toEqual(['APPROVAL_UNFOUNDED 3']);
    }
  });

  it('that one of several never gave are found', async () => {
    const { log, answer, run } = await begun();
    const [lea, max] = ['lea', 'max'].map((subject) => ({ issuer: 'https://idp.example.org', subject }));
    const two = { from: ['role:lead'], count: 2 };
    const given = await answer({ by: lea!, as: 'role:lead', method: 'token' });
    const how = { as: 'role:lead', method: 'token', at: new Date(system.now).toISOString() };
    const grants = [
      { by: lea, ...how, statement: { sha256: given } },
      { by: max, ...how, statement: { sha256: 'f'.repeat(64) } },
    ];
    await run(
      given,
      { ...two, grants },
      obligations.map((one) => ({ ...one, ...two })),
    );
    expect(faultsOf(await audit(log, system))).toEqual(['APPROVAL_UNFOUNDED 3']);
  });

  it('that were taken back are not used', async () => {
    const { log, answer, run } = await begun();
    const statement = await answer();
    await answer({ answer: 'deny' });
    await run(statement);
    expect(faultsOf(await audit(log, system))).toEqual(['APPROVAL_UNFOUNDED 4']);
  });

  it('are given with a passkey that was registered as that person’s, and not revoked', async () => {
    const lea = { issuer: 'https://idp.example.org', subject: 'lea' };
    const passkey = { credentialId: 'AAAA', publicKey: 'AAAA', rpId: 'gate.example.org' };
    const added = { kind: 'approver-added', id, tenant: 'default', ...lea, passkey };
    const revoked = { ...added, kind: 'approver-revoked' };
    for (const [changes, expected] of [
      [[added], []],
      [[], ['APPROVAL_UNFOUNDED 2']],
      [[added, revoked], ['APPROVAL_UNFOUNDED 4']],
      [[{ ...added, subject: 'max' }], ['APPROVAL_UNFOUNDED 3']],
      [[{ ...added, tenant: 'other' }], ['APPROVAL_UNFOUNDED 3']],
      [[{ ...added, passkey: { ...passkey, publicKey: 'BBBB' } }], ['APPROVAL_UNFOUNDED 3']],
      [[{ ...added, passkey: { ...passkey, credentialId: 'BBBB' } }], ['APPROVAL_UNFOUNDED 3']],
      [[{ ...added, passkey: { ...passkey, rpId: 'other.example.org' } }], ['APPROVAL_UNFOUNDED 3']],
      [[{ ...added, kind: 'approver-invited' }], ['APPROVAL_UNFOUNDED 3']],
    ] as const) {
      const { log, answer } = await begun();
      for (const each of changes)
        await log.add('change', change({ change: each, changedAt: system.now, mode: 'same-user' }));
      const kept = log.entries.length;
      await answer({ by: lea, method: 'passkey', assertion: { ...passkey, signature: 'AAAA' } });
      expect(faultsOf(await audit(log, system))).toEqual(expected);
      if (changes.length !== 1) continue;
      const since = await auditOn(log, system, { since: Buffer.from(log.checkpoint(kept)) });
      expect(faultsOf(since.report)).toEqual([]);
    }
  });

  it('are followed over an audit that goes on from an earlier one, and not judged where nobody knows', async () => {
    const { log, answer, run } = await begun();
    const statement = await answer();
    await run(statement);
    const { state } = await auditOn(log, system);
    const kept = log.entries.length;
    await run(statement);
    await run('f'.repeat(64), { id: 'zzzzzzzzzzzzzzzz' });
    const { report } = await auditOn(log, system, { state: state! });
    expect(faultsOf(report)).toEqual(['APPROVAL_REUSED 5', 'APPROVAL_UNFOUNDED 7']);
    const since = await auditOn(log, system, { since: Buffer.from(log.checkpoint(kept)) });
    expect(faultsOf(since.report)).toEqual([]);
  });

  it('are not judged by an audit that goes on from one that did not know either', async () => {
    const { log, answer, run } = await begun();
    const statement = await answer();
    const kept = log.entries.length;
    const { state } = await auditOn(log, system, { since: Buffer.from(log.checkpoint(kept)) });
    await run(statement);
    const { report, state: next } = await auditOn(log, system, { state: state! });
    expect(faultsOf(report)).toEqual([]);
    await run(statement);
    expect(faultsOf((await auditOn(log, system, { state: next! })).report)).toEqual(['APPROVAL_REUSED 5']);
  });

  it('that were taken back before an earlier audit are not used after it', async () => {
    const { log, answer, run } = await begun();
    const statement = await answer();
    await answer({ answer: 'deny' });
    const { state } = await auditOn(log, system);
    await run(statement);
    const { report } = await auditOn(log, system, { state: state! });
    expect(faultsOf(report)).toEqual(['APPROVAL_UNFOUNDED 4']);
  });
});
