import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { systemCode } from '../errors.ts';
import { checkForks, forksOf, treesOf, type ForkJson } from '../runtime/witness/witness-forks.ts';
import { openWitness } from '../runtime/witness/witness.ts';
import type { Io } from './io.ts';
import { palette } from './paint.ts';
import { printable } from './printable.ts';
import { usage } from './report.ts';

/** `witness forks DIR`: the evidence that a witness keeps. */
export function witnessForks(args: readonly string[], io: Io): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: { json: { type: 'boolean', default: false } },
  });
  const [directory, ...rest] = positionals;
  if (directory === undefined || rest.length > 0) throw usage('Say which witness: witness forks DIR');
  const witness = openWitness(resolve(io.cwd, directory));
  try {
    const forks = forksOf(witness);
    if (values.json) io.stdout.write(`${JSON.stringify(forks, null, 2)}\n`);
    else io.stdout.write(forks.map((fork) => forkText(fork, io)).join('') || 'No fork was seen.\n');
    return Promise.resolve(0);
  } finally {
    witness.close();
  }
}

/** `witness check FILE VKEY…`: what evidence proves by itself. */
export async function witnessCheck(args: readonly string[], io: Io): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: { json: { type: 'boolean', default: false } },
  });
  const [file, ...vkeys] = positionals;
  if (file === undefined || vkeys.length === 0) {
    throw usage('Say what, and whose keys: witness check FILE VKEY…');
  }
  const checked = checkForks(await readEvidence(resolve(io.cwd, file)), vkeys);
  if (values.json) {
    io.stdout.write(`${JSON.stringify(checked)}\n`);
  } else {
    const { bad, dim } = palette(io.stdout, io);
    for (const { origin, proven } of checked) {
      const verdict = proven === null ? dim('proves nothing') : bad(proofs[proven]);
      io.stdout.write(`${printable(origin)}  ${verdict}\n`);
    }
  }
  return checked.every(({ proven }) => proven !== null) ? 0 : 1;
}

const proofs = {
  'same-size': 'FORKED: two signed trees of one size',
  prefix: 'FORKED: a signed tree does not begin with an earlier signed one',
} as const;

const meanings = {
  ...proofs,
  unproven: 'unproven: a signed tree came without a proof that it continues the cosigned one',
} as const;

function forkText(fork: ForkJson, io: Io): string {
  const { bold, bad, dim } = palette(io.stdout, io);
  const { cosigned, refused } = treesOf(fork);
  const meaning = meanings[fork.kind];
  const tree = ({ size, root }: { size: number; root: string }): string => `${size} entries, root ${root}`;
  return `${bold(printable(fork.origin))}  ${fork.kind === 'unproven' ? meaning : bad(meaning)}
  seen      ${fork.seenAt}
  cosigned  ${tree(cosigned)}
${indented(fork.cosigned, dim)}
  refused   ${tree(refused)}
${indented(fork.refused, dim)}

`;
}

function indented(note: string, dim: (text: string) => string): string {
  return note
    .trimEnd()
    .split('\n')
    .map((line) => `    ${dim(printable(line))}`)
    .join('\n');
}

async function readEvidence(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    const why = systemCode(error);
    throw usage(`${path} cannot be read (${why}).`);
  }
}
