import { describe, expect, it } from 'vitest';
import { testHome } from '../support/home.ts';
import { startPostgres } from '../support/postgres.ts';
import { auditAfterKills } from './audit.ts';
import { killGates } from './kill.ts';

const postgres = await startPostgres();

describe.skipIf(typeof postgres === 'string')(
  typeof postgres === 'string' ? postgres : 'two homes with one log in PostgreSQL',
  () => {
    it('have one history after random kills: nothing unlogged, lost, forked or open', async () => {
      if (typeof postgres === 'string') throw new Error(postgres);
      await using _ = postgres;
      await using home = await testHome(postgres.url());
      const history = await killGates(home, 16, () => undefined);
      const report = await auditAfterKills(home, history);
      expect(report.faults).toEqual([]);
      expect(report.effects).toBeGreaterThan(0);
    }, 120_000);
  },
);
