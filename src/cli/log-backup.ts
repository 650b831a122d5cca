import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { backUp } from '../runtime/former/backup.ts';
import { homeOf } from './home.ts';
import type { Io } from './io.ts';
import { progressOn } from './progress.ts';
import { usage } from './report.ts';

/** `log backup FILE`: a checked copy of the ledger, made while gates go on. */
export async function logBackup(args: readonly string[], io: Io): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: { home: { type: 'string' }, json: { type: 'boolean', default: false } },
  });
  const [target, ...rest] = positionals;
  if (target === undefined || rest.length > 0) throw usage('Say where to: countersign log backup FILE');
  const file = resolve(io.cwd, target);
  const home = homeOf(values, io);
  const progress = { copied: progressOn(io, 'copied', 'pages'), checked: progressOn(io, 'checked') };
  const head = await backUp(home, file, {
    onProgress(stage, done, total) {
      if (stage === 'checked') progress.copied.end();
      progress[stage].show(done, total);
    },
  }).finally(() => {
    progress.copied.end();
    progress.checked.end();
  });
  const { origin, treeSize, rootHash } = head;
  io.stdout.write(
    values.json
      ? `${JSON.stringify({ file, ...head })}\n`
      : `Backed up to ${file}, and checked against its signed head

  log        ${origin}
  entries    ${treeSize}
  root       ${rootHash}

It holds plaintext and salts as policy keeps them, and no key: keep it as you keep the home, and keys/ apart from it.
`,
  );
  return 0;
}
