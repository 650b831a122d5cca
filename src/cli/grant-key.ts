import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { makeGrantKey } from '../runtime/grants/key-file.ts';
import type { Io } from './io.ts';
import { usage } from './report.ts';

/** `grant key`: a new key in a file; its public half, which is no secret, on standard output. */
export function grantKey(args: readonly string[], io: Io): Promise<number> {
  const { positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: { home: { type: 'string' } },
  });
  const [file, ...others] = positionals;
  if (file === undefined || others.length > 0)
    throw usage('Name the file that the key is to be in: countersign grant key FILE');
  const { jwk } = makeGrantKey(resolve(io.cwd, file));
  io.stdout.write(`${JSON.stringify(jwk)}\n`);
  return Promise.resolve(0);
}
