import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { homePath } from '../runtime/home/home-layout.ts';
import { openHome } from '../runtime/home/open-home.ts';
import { restoreLog, type Restored } from '../runtime/former/restore.ts';
import type { Io } from './io.ts';
import { printable } from './printable.ts';
import { progressOn } from './progress.ts';
import { usage } from './report.ts';

/** Lines that are printed of a list; `--json` has all. */
const most = 20;

/** `log restore FILE|--in-place`: ends the home's log with an older state of it, and begins another that cites it. */
export async function logRestore(args: readonly string[], io: Io): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      home: { type: 'string' },
      json: { type: 'boolean', default: false },
      'in-place': { type: 'boolean', default: false },
    },
  });
  const [source, ...rest] = positionals;
  if (rest.length > 0 || (source === undefined) !== values['in-place']) {
    throw usage(
      'Name one backup, log restore FILE, or take the ledger that is there: log restore --in-place',
    );
  }
  const root = homePath(values.home, io.env, io.cwd);
  const home = openHome(root);
  const progress = progressOn(io, 'checked');
  const restored = await restoreLog(home, {
    ...(source !== undefined && { file: resolve(io.cwd, source) }),
    onProgress: progress.show,
  }).finally(progress.end);
  io.stdout.write(values.json ? `${JSON.stringify(restored)}\n` : textOf(restored, home.layout.former));
  return 0;
}

function textOf({ origin, former, lost, openCalls, servers, tools }: Restored, folder: string): string {
  const lines = [
    `The log ${former.origin} has ended, and ${origin} goes on from it.`,
    '',
    `  ended with   ${former.treeSize} entries, root ${former.rootHash}`,
    `  it is in     ${folder}`,
    `  missing      ${missing(former.treeSize, lost)}`,
    `  open calls   ${openCalls.length === 0 ? 'none' : `${openCalls.length}, which may have run; nothing says how they ended`}`,
    ...openCalls.slice(0, most).map((callId) => `                 ${printable(callId)}`),
    ...(openCalls.length > most ? [`                 … and ${openCalls.length - most} more`] : []),
    `  carried over ${tools} tools of ${servers} servers, as pinned and accepted`,
    '',
    'Verifiers need the new trust root, which names both logs: countersign trust',
    'Read the old log: countersign log tail --former ' + former.origin,
    '',
  ];
  return lines.join('\n');
}

function missing(size: number, lost: Restored['lost']): string {
  if (lost === undefined) return 'nothing that is known of';
  if (lost === 'unknown') return 'unknown: the record of released heads could not be read';
  return lost.treeSize > size
    ? `${lost.treeSize - size} entries that were released: the newest head was of ${lost.treeSize}, root ${lost.rootHash}`
    : `this is another history: a head of ${lost.treeSize} entries was released with root ${lost.rootHash}`;
}
