import { parseArgs } from 'node:util';
import { revokeApiKey } from '../runtime/home/api-keys.ts';
import { homeOf } from './home.ts';
import { homeFlags } from './home-options.ts';
import type { Io } from './io.ts';
import { keyJson, notStated, onlyId } from './key-text.ts';

/** `key revoke ID`: it counts no more. */
export async function keyRevoke(args: readonly string[], io: Io): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      ...homeFlags,
      json: { type: 'boolean', default: false },
    },
  });
  const id = onlyId('revoke', positionals);
  const { record, stated } = await revokeApiKey(homeOf(values, io), id);
  if (values.json) io.stdout.write(`${JSON.stringify(keyJson(record, Date.now()))}\n`);
  else io.stdout.write(`${id} is revoked: every gate of this home refuses its next call.\n`);
  if (!stated) io.stderr.write(notStated);
  return 0;
}
