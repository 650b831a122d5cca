import { parseArgs } from 'node:util';
import { formerLogs } from '../runtime/former/former.ts';
import { homeOf } from './home.ts';
import type { Io } from './io.ts';
import { usage } from './report.ts';

/** `log former`: the logs that this home began before its present one. */
export async function logFormer(args: readonly string[], io: Io): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: { home: { type: 'string' }, json: { type: 'boolean', default: false } },
  });
  if (positionals.length > 0) throw usage('There is one argument too many. Try: countersign help log');
  const logs = await formerLogs(homeOf(values, io));
  if (values.json) io.stdout.write(`${JSON.stringify(logs)}\n`);
  else if (logs.length === 0) io.stdout.write('This home has had no other log.\n');
  for (const { origin, treeSize, rootHash } of values.json ? [] : logs) {
    io.stdout.write(`${origin}  ${treeSize} entries, root ${rootHash}\n`);
  }
  return 0;
}
