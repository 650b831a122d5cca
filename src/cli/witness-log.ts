import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { followLogs, logsInBooks, unfollowLog, type LogInBooks } from '../runtime/witness/witness-logs.ts';
import { openWitness, type OpenedWitness } from '../runtime/witness/witness.ts';
import type { Io } from './io.ts';
import { palette } from './paint.ts';
import { printable } from './printable.ts';
import { usage } from './report.ts';

/** `witness log add|list|remove DIR …`: which logs a witness follows. */
export function witnessLog(args: readonly string[], io: Io): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: { origin: { type: 'string' }, json: { type: 'boolean', default: false } },
  });
  const [verb, directory, ...words] = positionals;
  const run = chooseAction(verb, words, values.origin);
  if (directory === undefined) throw usage(forms);
  const witness = openWitness(resolve(io.cwd, directory));
  try {
    const { plain, text } = run(witness, io);
    io.stdout.write(values.json ? `${JSON.stringify(plain)}\n` : text);
    return Promise.resolve(0);
  } finally {
    witness.close();
  }
}

const forms = 'Say “log add DIR VKEY…”, “log list DIR” or “log remove DIR ORIGIN|VKEY”.';

/** What an action did, as JSON and for people. */
interface Done {
  readonly plain: unknown;
  readonly text: string;
}

function chooseAction(
  verb: string | undefined,
  words: readonly string[],
  origin: string | undefined,
): (witness: OpenedWitness, io: Io) => Done {
  const [first] = words;
  if (verb === 'add' && first !== undefined) return (witness) => add(witness, words, origin);
  if (origin !== undefined) throw usage('--origin belongs to “log add”.');
  if (verb === 'remove' && first !== undefined && words.length === 1)
    return (witness) => remove(witness, first);
  if (verb === 'list' && first === undefined) return list;
  throw usage(forms);
}

function add(witness: OpenedWitness, vkeys: readonly string[], as: string | undefined): Done {
  const logs = followLogs(witness, vkeys, as);
  const lines = logs.map(({ origin, vkeys: { length }, added }) => {
    const keys = length === 1 ? 'one key' : `${length} keys`;
    return `${added ? 'Following' : 'Followed already:'} ${printable(origin)}, ${keys}.\n`;
  });
  return { plain: logs, text: lines.join('') };
}

function remove(witness: OpenedWitness, originOrVkey: string): Done {
  const logs = unfollowLog(witness, originOrVkey);
  const lines = logs.map(({ origin, vkeys }) =>
    vkeys.length === 0
      ? `Following ${printable(origin)} no more. What was cosigned of it is remembered.\n`
      : `Removed the key; ${vkeys.length} more of ${printable(origin)} count.\n`,
  );
  return { plain: logs, text: lines.join('') };
}

function list(witness: OpenedWitness, io: Io): Done {
  const logs = logsInBooks(witness);
  const text = logs.map((log) => logText(log, io)).join('');
  return {
    plain: logs,
    text: text || 'No log is followed yet. Add one with: countersign witness log add DIR VKEY\n',
  };
}

function logText({ origin, vkeys, latest, forks }: LogInBooks, io: Io): string {
  const { bold, bad, dim } = palette(io.stdout, io);
  const head = latest ? `${latest.size} entries, cosigned ${latest.cosignedAt}` : 'nothing cosigned yet';
  const lines = [
    `${bold(printable(origin))}  ${head}${vkeys.length === 0 ? dim('  removed') : ''}`,
    ...vkeys.map((vkey) => `  ${dim(printable(vkey))}`),
    ...(forks.proven > 0 ? [bad(`  this log has forked: ${forks.proven} proven`)] : []),
    ...(forks.unproven > 0 ? [`  ${forks.unproven} suspicions, unproven`] : []),
    ...(forks.dropped > 0 ? [`  ${forks.dropped} more seen when there was no room to keep them`] : []),
  ];
  return `${lines.join('\n')}\n`;
}
