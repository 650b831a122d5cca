import { beforeAll, describe, expect, it } from 'vitest';
import { newCallId } from '../verify/calls.ts';
import { testTrustSystem } from '../support/trust-system.ts';
import type { TestTrustSystem } from '../support/trust-system.ts';
import { audit, auditOn, faultsOf, MadeLog, MadeSession } from './made-log.ts';

let system: TestTrustSystem;
beforeAll(async () => {
  system = await testTrustSystem();
});

async function begun(): Promise<{ log: MadeLog; session: MadeSession }> {
  const log = new MadeLog(system);
  await log.open();
  const session = new MadeSession(log);
  await session.open();
  return { log, session };
}

const delegated = () => ({ settleBy: system.now + 60_000, notAfter: system.now + 60_000 });

describe('calls that their callers carry out', () => {
  it('are in order when the caller settled them, or the gate as unknown or never given out', async () => {
    const { log, session } = await begun();
    for (const outcome of ['executed', 'failed', 'aborted', 'unknown'] as const)
      await session.outcome(await session.verdict(newCallId(), delegated()), {
        outcome,
        observedBy: 'caller',
      });
    for (const outcome of ['aborted', 'unknown'] as const)
      await session.outcome(await session.verdict(newCallId(), delegated()), { outcome, observedBy: 'gate' });
    await session.close();
    expect(faultsOf(await audit(log, system))).toEqual([]);
  });

  it('cannot have been seen by the gate to run', async () => {
    const { log, session } = await begun();
    await session.outcome(await session.verdict(newCallId(), delegated()), { observedBy: 'gate' });
    expect(faultsOf(await audit(log, system))).toEqual(['PAIR_MISMATCH 3']);
  });

  it('are the only ones whose outcome a caller may tell', async () => {
    const { log, session } = await begun();
    await session.outcome(await session.verdict(newCallId()), { observedBy: 'caller' });
    expect(faultsOf(await audit(log, system))).toEqual(['PAIR_MISMATCH 3']);
  });

  it('are held to the same over an audit that goes on from an earlier one', async () => {
    const { log, session } = await begun();
    const verdict = await session.verdict(newCallId(), delegated());
    const { state } = await auditOn(log, system);
    await session.outcome(verdict, { observedBy: 'gate' });
    const { report } = await auditOn(log, system, { state: state! });
    expect(faultsOf(report)).toEqual(['PAIR_MISMATCH 3']);
  });

  it('are cut off when their time is over', async () => {
    const { log, session } = await begun();
    const late = { observedBy: 'caller', finishedAt: system.now + 180_000 } as const;
    const time = { time: system.now + 180_000 };
    await session.outcome(await session.verdict(newCallId(), delegated()), late, time);
    expect(faultsOf(await audit(log, system))).toEqual(['LEASE_EXCEEDED 3']);
  });
});
