import { expect, it } from 'vitest';
import { testHome } from '../support/home.ts';
import { auditAfterKills } from './audit.ts';
import { killGates } from './kill.ts';

it('after random kills nothing ran unlogged, nothing is lost, nothing forked, nothing stays open', async () => {
  await using home = await testHome();
  const history = await killGates(home, 16, () => undefined);
  const report = await auditAfterKills(home, history);
  expect(report.faults).toEqual([]);
  expect(report.effects).toBeGreaterThan(0);
}, 120_000);
