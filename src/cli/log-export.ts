import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { withLog } from '../runtime/former/former.ts';
import { exportHome } from '../runtime/log/log-evidence.ts';
import { homeOf } from './home.ts';
import type { Io } from './io.ts';
import { progressOn } from './progress.ts';
import { usage } from './report.ts';
import { requireNewest } from './shown-head.ts';
import { witnessedHead } from './witnessed-head.ts';

/** `log export DIR`: the log as a static tree, for auditors and mirrors. */
export async function logExport(args: readonly string[], io: Io): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      home: { type: 'string' },
      witnessed: { type: 'boolean', default: false },
      former: { type: 'string' },
    },
  });
  const [target, ...rest] = positionals;
  if (target === undefined || rest.length > 0) throw usage('Say where to: countersign log export DIR');
  const directory = resolve(io.cwd, target);
  const home = homeOf(values, io);
  requireNewest(values);
  const progress = progressOn(io, 'exported');
  const { before, size } = await withLog(home, values.former, async (log) => {
    const head = values.witnessed ? await witnessedHead(home, log, io) : undefined;
    return exportHome(home, log, directory, progress.show, head);
  }).finally(progress.end);
  io.stderr.write(
    before === size
      ? `Nothing is new since the last export: ${size} entries.\n`
      : `Exported ${size - before} entries to ${directory}: now ${size}.\n`,
  );
  return 0;
}
