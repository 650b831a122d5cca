import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import type { HeldFile } from '../evidence/audit-held.ts';
import { auditLog } from '../evidence/audit.ts';
import { fileLimits, trustRootPath } from '../evidence/tile-source.ts';
import type { TileSource } from '../evidence/tile-source.ts';
import { CountersignError, systemCode } from '../errors.ts';
import { fetchTiles } from '../runtime/log/tile-http.ts';
import { readTileFiles } from '../runtime/log/tile-files.ts';
import { loadCompromised } from '../verify/last-trusted.ts';
import { loadTrust } from '../verify/trust.ts';
import { formatAudit } from './audit-text.ts';
import type { Command, Io } from './io.ts';
import { progressOn } from './progress.ts';
import { readIfThere, replaceFile } from './replace-file.ts';
import { report, usage } from './report.ts';

const help = `Usage: countersign audit [--trust FILE] [--since CHECKPOINT | --state FILE] [--seen FILE]… [--json] DIR|URL

Replays an exported log (countersign log export), with nothing of its operator's but the files: grows the tree from the
leaves, holds it against the signed head, verifies every entry, and follows sessions, calls, keys and time. It reports
gaps, duplicates, forks, calls without an outcome, expired, foreign and unannounced keys, and times that contradict each
other.

  --trust FILE        the trust root (trusted_root.json), which you got by another way than the log. Without it the one
                      beside the log is taken: then the log is only consistent with itself
  --state FILE        your file, for one audit after the other: the first replays the whole log and writes it, the next
                      ones replay what is new and judge it as if they had seen everything
  --since CHECKPOINT  a checkpoint file that you kept: this log must continue it, and only what is new is replayed. What
                      leans on older entries is counted, and not judged
  --seen FILE         what somebody else has: a checkpoint, an envelope, a tool result, or JSON lines of those. Each must
                      be of a beginning of this log. May be said several times
  --compromised FILE  the operator's declaration of keys that somebody else may hold: what they signed counts only up to
                      the last trusted head. The whole log is replayed
  --json              the whole report as JSON

Exit code: 0 no faults, 1 faults, 2 misuse: nothing was audited, or the state could not be written.

Examples:
  countersign audit --trust trusted_root.json /srv/log
  countersign audit --trust trusted_root.json --state audit-state.json https://log.example.org/
  countersign audit --trust trusted_root.json --seen result.json --seen checkpoint.october /srv/log
`;

export const auditCommand: Command = {
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

const options = {
  trust: { type: 'string' },
  since: { type: 'string' },
  state: { type: 'string' },
  seen: { type: 'string', multiple: true },
  compromised: { type: 'string' },
  json: { type: 'boolean' },
} as const;

async function audit(args: readonly string[], io: Io): Promise<number> {
  const { values, positionals } = parseArgs({ args: [...args], allowPositionals: true, options });
  const [target, ...rest] = positionals;
  if (target === undefined || rest.length > 0) throw usage('Name one log to audit: a folder, or a URL.');
  if (values.since !== undefined && values.state !== undefined) {
    throw usage(
      'A state has its checkpoint in it: say --since or --state. Others’ checkpoints are for --seen.',
    );
  }
  const source = sourceOf(target, io);
  const trustFile = values.trust === undefined ? undefined : await read(values.trust, io);
  const trust = await loadTrust(trustFile ?? (await exportedTrust(source)));
  if (trustFile === undefined) {
    io.stderr.write(
      'warning: the trust root came with the log. Whoever made both can make them agree: ' +
        'get it by another way and say --trust FILE.\n',
    );
  }
  const stateFile = values.state === undefined ? undefined : resolve(io.cwd, values.state);
  const state = stateFile === undefined ? undefined : await readIfThere(stateFile);
  let newState: Uint8Array | undefined;
  const progress = progressOn(io, 'replayed');
  const found = await auditLog(source, {
    trust,
    trustSource: trustFile === undefined ? 'exported' : 'given',
    onProgress: progress.show,
    onState: (made) => (newState = made),
    seen: await readEach(values.seen ?? [], io),
    ...(values.since !== undefined && { since: await read(values.since, io) }),
    ...(state !== undefined && { state }),
    ...(values.compromised !== undefined && {
      compromised: loadCompromised(await read(values.compromised, io), trust),
    }),
  }).finally(progress.end);
  io.stdout.write(values.json ? `${JSON.stringify(found, null, 2)}\n` : formatAudit(found, io));
  if (stateFile !== undefined) await keepState(stateFile, newState, io);
  return found.ok ? 0 : 1;
}

/** An audit that could not follow the log to its signed head leaves the older state: the next one goes on from there. */
async function keepState(file: string, state: Uint8Array | undefined, io: Io): Promise<void> {
  if (state === undefined) {
    io.stderr.write(`warning: ${file} was not written: the log could not be followed to its signed head.\n`);
    return;
  }
  await replaceFile(file, state);
}

function sourceOf(target: string, io: Io): TileSource {
  return /^https?:\/\//.test(target) ? fetchTiles(target) : readTileFiles(resolve(io.cwd, target));
}

async function exportedTrust(source: TileSource): Promise<Uint8Array> {
  const bytes = await source.read(trustRootPath, fileLimits.trustRoot);
  if (bytes !== undefined) return bytes;
  throw new CountersignError('NOT_FOUND', `No ${trustRootPath} came with the log: say --trust FILE.`);
}

async function readEach(names: readonly string[], io: Io): Promise<HeldFile[]> {
  const files: HeldFile[] = [];
  for (const name of names) files.push({ name, bytes: await read(name, io) });
  return files;
}

async function read(name: string, { cwd }: Io): Promise<Uint8Array> {
  try {
    return Uint8Array.from(await readFile(resolve(cwd, name)));
  } catch (error) {
    const why = systemCode(error);
    throw usage(`${name} cannot be read (${why}).`);
  }
}
