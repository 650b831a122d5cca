import { parseArgs } from 'node:util';
import { listKeys, type ListedKey } from '../runtime/keys/list-keys.ts';
import { homeOf } from './home.ts';
import type { Io } from './io.ts';
import { palette } from './paint.ts';

/** `keys list`: what the trust root names, and where its private keys are. */
export function keysList(args: readonly string[], io: Io): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: { home: { type: 'string' }, json: { type: 'boolean', default: false } },
  });
  const { layout } = homeOf(values, io);
  const keys = listKeys(layout);
  io.stdout.write(values.json ? `${JSON.stringify(keys, null, 2)}\n` : table(keys, io));
  return Promise.resolve(0);
}

function table(keys: readonly ListedKey[], io: Io): string {
  const { bold, dim } = palette(io.stdout, io);
  const line = (key: ListedKey): string => {
    const { purpose, id, validFrom, validUntil, status, compromised, file } = key;
    const text = [
      purpose.padEnd(10),
      (compromised ? 'compromised' : status).padEnd(12),
      `${minutes(validFrom)} to ${validUntil === null ? 'further notice' : minutes(validUntil)}`.padEnd(40),
      fileWords[file].padEnd(10),
      `sha256:${id}`,
    ].join(' ');
    return status === 'active' ? bold(text) : dim(text);
  };
  return `${keys.map(line).join('\n')}\n`;
}

const fileWords = {
  plain: 'plain',
  encrypted: 'encrypted',
  missing: 'not here',
  deleted: 'deleted',
} as const satisfies Record<ListedKey['file'], string>;

/** In UTC, as everything in the log is. */
function minutes(instant: string): string {
  return `${instant.slice(0, 16).replace('T', ' ')}Z`;
}
