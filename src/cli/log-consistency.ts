import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { base64 } from '../call/sha256.ts';
import { systemCode } from '../errors.ts';
import { proveConsistent } from '../runtime/log/log-evidence.ts';
import type { NamedTree } from '../runtime/log/log-evidence.ts';
import { withHome } from '../runtime/home/with-home.ts';
import { homeOf } from './home.ts';
import type { Io } from './io.ts';
import { usage } from './report.ts';

/** `log consistency OLD NEW`: that one tree of the log begins with another. */
export async function logConsistency(args: readonly string[], io: Io): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: { home: { type: 'string' } },
  });
  const [old, newer, ...rest] = positionals;
  if (old === undefined || newer === undefined || rest.length > 0) {
    throw usage('Say which two trees: log consistency OLD NEW, each a checkpoint file or a size.');
  }
  const trees = [await treeOf(old, io), await treeOf(newer, io)] as const;
  const home = homeOf(values, io);
  return withHome(home, async (opened) => {
    const { oldSize, newSize, oldRoot, newRoot, hashes } = await proveConsistent(home, opened, ...trees);
    const proof = {
      oldSize,
      oldRoot: base64(oldRoot),
      newSize,
      newRoot: base64(newRoot),
      hashes: hashes.map(base64),
    };
    io.stdout.write(`${JSON.stringify(proof)}\n`);
    return 0;
  });
}

async function treeOf(text: string, { cwd }: Io): Promise<NamedTree> {
  if (/^(?:0|[1-9]\d{0,15})$/.test(text)) return { size: Number(text) };
  try {
    return { checkpoint: await readFile(resolve(cwd, text), 'utf8') };
  } catch (error) {
    const why = systemCode(error);
    throw usage(`${text} cannot be read (${why}).`);
  }
}
