/**
 * `npm run conformance -- [--direct] [--json]`: plays the MCP conformance suite against the fixture, direct and through the
 * gateway, and writes `docs/conformance.md`. Exit code 1 when a check that passes direct does not pass through, or the
 * gateway's log does not show that it governed.
 * `--direct` plays one side and writes nothing.
 */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { sum } from './compare.ts';
import type { Comparison } from './compare.ts';
import { holds, measureBoth, measureDirect } from './measure.ts';
import { conformancePage, counted, differenceLine, pageFile } from './table.ts';

const { values } = parseArgs({
  options: { direct: { type: 'boolean', default: false }, json: { type: 'boolean', default: false } },
});

const measurement = values.direct ? await measureDirect() : await measureBoth();
const { comparisons, log } = measurement;
if (values.json) console.log(JSON.stringify(measurement, null, 2));
else {
  comparisons.forEach(report);
  if (log) console.log(`log: ${JSON.stringify(log)}`);
}
if (!values.direct) writeFileSync(pageFile, await conformancePage(comparisons));
process.exitCode = holds(measurement) ? 0 : 1;

function report({ revision, scenarios }: Comparison): void {
  console.log(`${revision}: direct ${counted(sum(scenarios.map(({ direct }) => direct)))}`);
  for (const { name, direct } of scenarios) {
    if (direct.failed > 0) console.log(`  ${name}: ${counted(direct)}`);
  }
  if (values.direct) return;
  console.log(`${revision}: through ${counted(sum(scenarios.map(({ through }) => through)))}`);
  for (const { name, differences } of scenarios) {
    for (const difference of differences) {
      console.log(`  ${name}: ${differenceLine(difference)}`);
      for (const message of difference.messages) console.log(`    ${message}`);
    }
  }
}
