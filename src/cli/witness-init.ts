import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { createWitness, witnessIdentity } from '../runtime/witness/witness.ts';
import type { Io } from './io.ts';
import { usage } from './report.ts';

/** `witness init DIR --name NAME`. */
export function witnessInit(args: readonly string[], io: Io): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: { name: { type: 'string' }, json: { type: 'boolean', default: false } },
  });
  const [directory, ...rest] = positionals;
  if (directory === undefined || values.name === undefined || rest.length > 0) {
    throw usage('Say where, and under which name: witness init DIR --name NAME');
  }
  const root = resolve(io.cwd, directory);
  const { name, vkey } = createWitness(root, values.name);
  if (values.json) {
    io.stdout.write(`${JSON.stringify({ directory: root, name, vkey })}\n`);
  } else {
    io.stderr.write(`Made a witness at ${root}. Its key, for those who are to trust it:\n`);
    io.stdout.write(`${vkey}\n`);
  }
  return Promise.resolve(0);
}

/** `witness key DIR`: prints the vkey. */
export function witnessKey(args: readonly string[], io: Io): Promise<number> {
  const { positionals } = parseArgs({ args: [...args], allowPositionals: true });
  const [directory, ...rest] = positionals;
  if (directory === undefined || rest.length > 0) throw usage('Say which witness: witness key DIR');
  io.stdout.write(`${witnessIdentity(resolve(io.cwd, directory)).vkey}\n`);
  return Promise.resolve(0);
}
