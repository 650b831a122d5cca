/**
 * `npm run fault -- [COUNT] [--ledger sqlite|postgres]`: kills gates at random moments, COUNT times (200), and audits what is
 * left. With `postgres` a server is started for it, and the two gates run from two copies of the home, as on two machines.
 */
import { parseArgs } from 'node:util';
import { testHome } from '../support/home.ts';
import { startPostgres } from '../support/postgres.ts';
import type { TestPostgres } from '../support/postgres.ts';
import { auditAfterKills } from './audit.ts';
import { killGates } from './kill.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { ledger: { type: 'string', default: 'sqlite' } },
});
const count = Number(positionals[0] ?? 200);
if (!Number.isInteger(count) || count < 1 || !['sqlite', 'postgres'].includes(values.ledger)) {
  console.error('Usage: npm run fault -- [COUNT] [--ledger sqlite|postgres]');
  process.exit(2);
}

await using postgres = values.ledger === 'postgres' ? await serverOrExit() : null;
await using home = await testHome(postgres?.url());
const history = await killGates(home, count, (done) => {
  if (done % 20 === 0 || done === count) process.stderr.write(`${done} of ${count} kills\n`);
});
const report = await auditAfterKills(home, history);
console.log(JSON.stringify({ ledger: values.ledger, ...report }, null, 2));
process.exitCode = report.faults.length === 0 ? 0 : 1;

async function serverOrExit(): Promise<TestPostgres> {
  const started = await startPostgres();
  if (typeof started !== 'string') return started;
  console.error(started);
  process.exit(2);
}
