/** `npm run fault -- [COUNT]`: kills gates at random moments, COUNT times (200), and audits what is left. */
import { auditAfterKills } from './audit.ts';
import { killGates } from './kill.ts';
import { testHome } from '../support/home.ts';

const count = Number(process.argv[2] ?? 200);
if (!Number.isInteger(count) || count < 1) {
  console.error('Usage: npm run fault -- [COUNT]');
  process.exit(2);
}

await using home = await testHome();
const history = await killGates(home, count, (done) => {
  if (done % 20 === 0 || done === count) process.stderr.write(`${done} of ${count} kills\n`);
});
const report = await auditAfterKills(home, history);
console.log(JSON.stringify(report, null, 2));
process.exitCode = report.faults.length === 0 ? 0 : 1;
