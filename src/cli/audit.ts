import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { auditLog } from '../evidence/audit.ts';
import { fileLimits, trustRootPath } from '../evidence/tile-source.ts';
import type { TileSource } from '../evidence/tile-source.ts';
import { CountersignError } from '../errors.ts';
import { fetchTiles } from '../runtime/tile-http.ts';
import { readTileFiles } from '../runtime/tile-files.ts';
import { loadTrust } from '../verify/trust.ts';
import { formatAudit } from './audit-text.ts';
import type { Command, Io } from './io.ts';
import { progressOn } from './progress.ts';
import { report, usage } from './report.ts';

const help = `Usage: countersign audit [--trust FILE] [--since CHECKPOINT] [--json] DIR|URL

Replays a whole exported log (countersign log export), with nothing of its operator's but the files: grows the tree from
the leaves, holds it against the signed head, verifies every entry, and follows sessions, calls and time. It reports
gaps, duplicates, forks, calls without an outcome, expired and foreign keys, and times that contradict each other.

  --trust FILE        the trust root (trusted_root.json), which you got by another way than the log. Without it the one
                      beside the log is taken: then the log is only consistent with itself
  --since CHECKPOINT  a checkpoint file that you kept: this log must continue that one
  --json              the whole report as JSON

Exit code: 0 no faults, 1 faults, 2 misuse: nothing was audited.

Examples:
  countersign audit --trust trusted_root.json /srv/log
  countersign audit --trust trusted_root.json --since checkpoint.october https://log.example.org/
`;

export const auditCommand: Command = {
  name: 'audit',
  summary: 'replay an exported log: tree, signatures, sessions, calls, time',
  help,
  async run(args, io) {
    try {
      return await audit(args, io);
    } catch (error) {
      // Only an audit that ran may speak of faults: everything that kept it from running is misuse.
      report(error, io);
      return 2;
    }
  },
};

async function audit(args: readonly string[], io: Io): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: { trust: { type: 'string' }, since: { type: 'string' }, json: { type: 'boolean' } },
  });
  const [target, ...rest] = positionals;
  if (target === undefined || rest.length > 0) throw usage('Name one log to audit: a folder, or a URL.');
  const source = sourceOf(target, io);
  const trustFile = values.trust === undefined ? undefined : await read(values.trust, io);
  const trust = await loadTrust(trustFile ?? (await exportedTrust(source)));
  if (trustFile === undefined) {
    io.stderr.write(
      'warning: the trust root came with the log. Whoever made both can make them agree: ' +
        'get it by another way and say --trust FILE.\n',
    );
  }
  const progress = progressOn(io, 'replayed');
  const found = await auditLog(source, {
    trust,
    trustSource: trustFile === undefined ? 'exported' : 'given',
    onProgress: progress.show,
    ...(values.since !== undefined && { since: await read(values.since, io) }),
  }).finally(progress.end);
  io.stdout.write(values.json ? `${JSON.stringify(found, null, 2)}\n` : formatAudit(found, io));
  return found.ok ? 0 : 1;
}

function sourceOf(target: string, io: Io): TileSource {
  return /^https?:\/\//.test(target) ? fetchTiles(target) : readTileFiles(resolve(io.cwd, target));
}

async function exportedTrust(source: TileSource): Promise<Uint8Array> {
  const bytes = await source.read(trustRootPath, fileLimits.trustRoot);
  if (bytes !== undefined) return bytes;
  throw new CountersignError('NOT_FOUND', `No ${trustRootPath} came with the log: say --trust FILE.`);
}

async function read(name: string, { cwd }: Io): Promise<Uint8Array> {
  try {
    return Uint8Array.from(await readFile(resolve(cwd, name)));
  } catch (error) {
    const why = error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
    throw usage(`${name} cannot be read (${why}).`);
  }
}
