import { parseArgs } from 'node:util';
import {
  liftInHome,
  revocationKinds,
  revocationsOfHome,
  revokeInHome,
  type RecordedRevocation,
  type Revocation,
} from '../runtime/revoke.ts';
import type { Home } from '../runtime/home/open-home.ts';
import { homeOf } from './home.ts';
import { homeFlags } from './home-options.ts';
import type { Command, Io } from './io.ts';
import { palette } from './paint.ts';
import { printable } from './printable.ts';
import { usage } from './report.ts';

const help = `Usage: countersign revoke key|agent|device|tool ID [--reason TEXT]
       countersign revoke human|session ID [--issuer ISS] [--before now|TIME] [--reason TEXT]
       countersign revoke everything [--reason TEXT]
       countersign revoke list
       countersign revoke lift KIND [ID] [--issuer ISS] [--reason TEXT]
       each with [--home DIR] [--ledger URL] [--json]

Takes something back in every gate of this home, within a second: further calls are denied, and those that run are stopped.

key         an API key, by its id. It is refused for good (countersign key list)
agent       planner, or spiffe://example.org/agent/planner of another trust domain
human       a person, by the subject of their tokens. --before now logs out everywhere: a new login counts again
session     a session at an issuer, by the sid of its tokens
device      a device, by the subject of its token or the name in its certificate
tool        for everybody, as in policy: files/delete, 'mail/*'
everything  every call of everybody

  --issuer  only the human or session of this issuer
  --before  only what began before now, or before 2026-11-22T08:00:00Z
  --reason  one line for whoever reads the log

list        shows what is revoked now
lift        gives it back, told as it was revoked. A key stays refused

Each change is signed and in the log.
`;

export const revokeCommand: Command = {
  help,
  async run(args, io) {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        ...homeFlags,
        json: { type: 'boolean', default: false },
        issuer: { type: 'string' },
        before: { type: 'string' },
        reason: { type: 'string' },
      },
    });
    const [verb, ...rest] = positionals;
    const home = (): Home => homeOf(values, io);
    if (verb === 'list') return list(home, rest, values, io);
    return verb === 'lift' ? liftOne(home, rest, values, io) : revokeOne(home, positionals, values, io);
  },
};

interface Flags {
  readonly json: boolean;
  readonly issuer?: string;
  readonly before?: string;
  readonly reason?: string;
}

async function revokeOne(
  home: () => Home,
  words: readonly string[],
  { json, before, ...flags }: Flags,
  io: Io,
): Promise<number> {
  const { reason } = flags;
  const time = before === undefined ? undefined : timeOf(before);
  const what = { ...whatOf(words, flags), ...(time !== undefined && { before: time }) };
  const { revocation, isNew } = await revokeInHome(home(), {
    ...what,
    ...(reason !== undefined && { reason }),
  });
  if (json) io.stdout.write(`${JSON.stringify({ ...revocation, new: isNew })}\n`);
  else if (isNew)
    io.stdout.write(`Revoked: ${textOf(revocation)}. It is denied from now on, and what runs is stopped.\n`);
  else io.stdout.write(`It was revoked already, at ${revocation.revokedAt}: ${textOf(revocation)}\n`);
  return 0;
}

async function liftOne(
  home: () => Home,
  words: readonly string[],
  { json, before, ...flags }: Flags,
  io: Io,
): Promise<number> {
  if (before !== undefined) throw usage('revoke lift takes no --before: what is revoked is lifted whole.');
  const { reason } = flags;
  const what = whatOf(words, flags);
  const wasRevoked = await liftInHome(home(), { ...what, ...(reason !== undefined && { reason }) });
  if (json) io.stdout.write(`${JSON.stringify({ ...what, lifted: wasRevoked })}\n`);
  else if (!wasRevoked) io.stderr.write(`It is not revoked: ${textOf(what)}. See: countersign revoke list\n`);
  else {
    io.stdout.write(`Lifted: ${textOf(what)}\n`);
    if (what.kind === 'key')
      io.stderr.write('The key itself stays refused. Make another one: countersign key create\n');
  }
  return wasRevoked ? 0 : 1;
}

async function list(
  home: () => Home,
  more: readonly string[],
  { json, issuer, before, reason }: Flags,
  io: Io,
): Promise<number> {
  if (more.length > 0 || (issuer ?? before ?? reason) !== undefined)
    throw usage('revoke list takes nothing but --json.');
  const revoked = await revocationsOfHome(home());
  if (json) io.stdout.write(`${JSON.stringify(revoked, null, 2)}\n`);
  else if (revoked.length === 0) io.stdout.write('Nothing is revoked.\n');
  else for (const each of revoked) io.stdout.write(lineOf(each, io));
  return 0;
}

function whatOf(
  [kind, id = '', ...more]: readonly string[],
  { issuer }: Pick<Flags, 'issuer'>,
): Pick<Revocation, 'kind' | 'id' | 'issuer'> {
  const known = revocationKinds.find((each) => each === kind);
  if (known === undefined)
    throw usage(`Say what to revoke, one of: ${revocationKinds.join(', ')}. Try: countersign help revoke`);
  if (more.length > 0) throw usage('One thing is revoked at a time.');
  if (known === 'everything' && id !== '') throw usage('Everything has no id: countersign revoke everything');
  if (known !== 'everything' && id === '') throw usage(`Say which ${known}: countersign revoke ${known} ID`);
  // Whoever pastes the key itself has it in the shell's history already; it need not be in the log as well.
  if (id.startsWith('cs_live_'))
    throw usage('A key is revoked by its id, not by the key itself. See: countersign key list');
  return { kind: known, id, ...(issuer !== undefined && { issuer }) };
}

function timeOf(text: string): string {
  if (text === 'now') return new Date().toISOString();
  const isTime = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d+)?(?:Z|[+-]\d{2}:\d{2})$/.test(text);
  if (!isTime || Number.isNaN(Date.parse(text)))
    throw usage('--before is now, or a time as in 2026-11-22T08:00:00Z.');
  return new Date(text).toISOString();
}

function textOf({ kind, id, issuer, before }: Revocation): string {
  const words = [kind, ...(id === '' ? [] : [id]), ...(issuer === undefined ? [] : ['of', issuer])];
  return printable([...words, ...(before === undefined ? [] : ['before', before])].join(' '));
}

function lineOf(revocation: RecordedRevocation, io: Io): string {
  const { dim } = palette(io.stdout, io);
  const { revokedAt, by, reason } = revocation;
  const told = reason === undefined ? '' : `  ${printable(reason)}`;
  return `${revokedAt}  ${textOf(revocation)}  ${dim(by)}${told}\n`;
}
