import { parseArgs } from 'node:util';
import { rotateApiKey } from '../runtime/home/api-keys.ts';
import { parseDuration } from './duration.ts';
import { homeOf } from './home.ts';
import { homeFlags } from './home-options.ts';
import type { Io } from './io.ts';
import { keyJson, onlyId, showKey } from './key-text.ts';
import { expiryOf } from './key-time.ts';
import { usage } from './report.ts';

/** `key rotate ID`: a key of the same scope; the old one ends soon. */
export async function keyRotate(args: readonly string[], io: Io): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      ...homeFlags,
      overlap: { type: 'string', default: '24h' },
      expires: { type: 'string' },
      json: { type: 'boolean', default: false },
    },
  });
  const id = onlyId('rotate', positionals);
  const overlap = parseDuration(values.overlap);
  if (overlap === undefined) throw usage('--overlap takes a time such as 0m, 24h or 3d.');
  const now = Date.now();
  const issued = await rotateApiKey(homeOf(values, io), {
    id,
    overlap,
    ...(values.expires !== undefined && { notAfter: expiryOf(values.expires, now) }),
  });
  const { apiKey, record, replaced } = issued;
  if (values.json) {
    const document = { apiKey, ...keyJson(record, now), replaces: { id, until: replaced.notAfter } };
    io.stdout.write(`${JSON.stringify(document)}\n`);
  } else {
    showKey(
      issued,
      `Made the API key ${record.id} in place of ${id}, which ends at ${replaced.notAfter}`,
      io,
    );
  }
  return 0;
}
