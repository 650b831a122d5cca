import { describe, expect, it } from 'vitest';
import { securityEventApplier } from '../../src/gate/apply-security-event.ts';
import { lift, listRevocations, revoke } from '../../src/gate/revoke.ts';
import { changeRecorder } from '../../src/runtime/changes.ts';
import type { EventFact } from '../../src/identity/events/event-types.ts';
import type { Revocation } from '../../src/identity/revocation/revocation.ts';
import { harness } from './harness.ts';

const issuer = 'https://idp.test';
const start = Date.UTC(2026, 0, 2, 12);
const laptop: Revocation = { kind: 'device', id: 'laptop-7' };
const ada: Revocation = { kind: 'human', id: 'ada', issuer };
const at = (minute: number): number => start + minute * 60_000;
const before = (minute: number): Revocation => ({ ...ada, before: new Date(at(minute)).toISOString() });

async function applier() {
  const { ledger, parts } = await harness();
  const clock = { now: start };
  const given = {
    ledger,
    recordChange: changeRecorder(parts, 'same-user'),
    now: () => clock.now,
    keptMs: 3_600_000,
  };
  const apply = securityEventApplier(given);
  let count = 0;
  const tell = (act: EventFact['act'], minute: number, revocation: Revocation, transmitter = issuer) =>
    apply({
      transmitter,
      jti: `e-${(count += 1)}`,
      unknown: 0,
      facts: [{ act, revocation, at: at(minute), event: 'caep/event-type/test' }],
    });
  const revoked = async (): Promise<readonly object[]> =>
    (await listRevocations(ledger)).map(({ kind, id, before: time }) => ({
      kind,
      id,
      ...(time && { before: time }),
    }));
  const size = async (): Promise<number> => (await ledger.checkpoint())?.size ?? 0;
  return { ...given, tell, revoked, size, clock };
}

describe('what a security event takes back', () => {
  it('is logged with its transmitter and name, and nothing else of it', async () => {
    const { ledger, tell } = await applier();
    await tell('revoke', 1, laptop);
    const [entry] = (await ledger.entries(0, 1)).slice(-1);
    const { predicate } = JSON.parse(new TextDecoder().decode(entry?.payload)) as { predicate: object };
    expect(predicate).toMatchObject({
      change: {
        kind: 'security-event',
        by: 'security-event',
        transmitter: issuer,
        jti: 'e-1',
        revoked: [{ ...laptop, event: 'caep/event-type/test' }],
        lifted: [],
      },
    });
  });

  it('is given back by a later event of the same transmitter, not by an earlier one or a stranger’s', async () => {
    const { tell, revoked } = await applier();
    await tell('revoke', 5, laptop);
    await tell('lift', 4, laptop);
    await tell('lift', 6, laptop, 'https://other.test');
    expect(await revoked()).toEqual([laptop]);
    await tell('lift', 6, laptop);
    expect(await revoked()).toEqual([]);
  });

  it('stands apart from what an operator takes back, who alone gives that back', async () => {
    const { tell, revoked, ...parts } = await applier();
    await tell('revoke', 1, ada);
    await revoke(parts, { ...ada, by: 'operator' });
    await tell('lift', 2, ada);
    expect(await revoked()).toHaveLength(1);
    await tell('revoke', 3, ada);
    expect(await lift(parts, { ...ada, by: 'operator' })).toBe(true);
    expect(await revoked()).toEqual([]);
  });

  it('stays taken back from sessions that began before, when the person may log in again', async () => {
    const { tell, revoked } = await applier();
    await tell('revoke', 1, before(1));
    await tell('revoke', 2, ada);
    await tell('lift', 3, ada);
    expect(await revoked()).toEqual([{ kind: 'human', id: 'ada', before: before(1).before }]);
  });

  it('is logged once, also when it is told again or out of order', async () => {
    const { tell, revoked, size } = await applier();
    await tell('revoke', 2, before(2));
    const once = await size();
    await tell('revoke', 2, before(2));
    await tell('revoke', 1, before(1));
    expect(await size()).toBe(once);
    await tell('revoke', 3, before(3));
    expect(await revoked()).toEqual([{ kind: 'human', id: 'ada', before: before(3).before }]);
  });

  it('changes the epoch, so that what was decided before is decided again', async () => {
    const { tell, ledger } = await applier();
    const epoch = async () => (await ledger.heads(['revocations'])).get('revocations');
    const first = await epoch();
    await tell('revoke', 1, laptop);
    expect(await epoch()).not.toBe(first);
  });

  it('is forgotten once no token of a session that ended can count, and not before; an account stays shut', async () => {
    const { tell, revoked, clock } = await applier();
    await tell('revoke', 0, { kind: 'session', id: 's-1', issuer });
    await tell('revoke', 0, before(0));
    await tell('revoke', 0, ada);
    clock.now += 3_500_000;
    await tell('revoke', 58, laptop);
    expect(await revoked()).toHaveLength(4);
    clock.now += 200_000;
    await tell('lift', 61, laptop);
    expect(await revoked()).toEqual([{ kind: 'human', id: 'ada' }]);
  });
});
