import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { toCountersignError } from '../errors.ts';
import type { GateElsewhere } from '../runtime/exec/exec-elsewhere.ts';
import type { ExecRequest } from '../runtime/exec/prepare.ts';
import type { HomeHere } from '../runtime/exec/run-exec.ts';
import { environmentGrant } from '../runtime/grants/grant-environment.ts';
import { homePath } from '../runtime/home/home-layout.ts';
import { assertServerName } from '../runtime/server-ref.ts';
import { humanTokenFrom } from './acting-options.ts';
import { gateFlags, gateWords, readAuthorities, refuseBesideGate, type GateWords } from './gate-options.ts';
import { homeFlags } from './home-options.ts';
import type { Command, Io } from './io.ts';
import { usage } from './report.ts';
import { splitAtDashes } from './split-at-dashes.ts';

const help = `Usage: countersign exec [OPTION…] -- COMMAND [ARG…]
       countersign exec --shell [OPTION…] -- SCRIPT [ARG…]

Runs one command if policy allows it, and signs what came of it. The verdict is about the executable, its arguments, its
environment, the working directory and its standard input; there is no shell that would make others of them. Policy calls
it NAME/exec. With --shell it is a script for /bin/sh, whose $1 and on are ARG…, and policy calls it NAME/shell.
The API key is taken from COUNTERSIGN_API_KEY; whom the command is run for, and under which grant, as with countersign wrap.

  --as NAME          what policy and log call it (default: made from the command, sh for a script)
  --env NAME[=VALUE] let the command have this variable; it gets a few harmless ones, and no other
  --secret NAME      the same, but verdict and policy see the value’s digest alone
  --stdin WHAT       none, read (up to its end, before the command runs) or terminal; read unless it is a terminal
  --envelope FILE    write the signed evidence of what ran, or of the denial: what “countersign verify” takes
  --summary FILE     write decision, exit code and call id, for machines: JSON

  --policy FILE      use this policy instead of the home's; more than once joins them
  --home DIR         the home (default: $COUNTERSIGN_HOME, else ~/.countersign)
  --ledger URL       where a home's PostgreSQL ledger is, with its password (default: $COUNTERSIGN_LEDGER, else as the home says)
  --gate ADDRESS     ask a gate that runs elsewhere (countersign serve): unix:PATH, https://…, or http:// on this machine
  --identity DIR     with --gate https://…: show the certificate that “countersign enroll” keeps there
  --ca FILE          with --gate https://…: believe a gate of these authorities, PEM; those that Node knows unless told

The exit code is the command's own (128 + n after signal n); 125 when the gate refused or failed, 126 when the command
cannot be executed, 127 when there is none, 2 for misuse. What the command writes goes through as it comes.

  countersign exec --as deploy --env VERSION --secret TOKEN --envelope deploy.json -- ./deploy.sh staging
  countersign exec --shell -- 'tar c "$1" | sha256sum' dist
`;

export const execCommand: Command = {
  help,
  endsAtOnce: true,
  async run(args, io) {
    const { own, words } = splitAtDashes(args);
    const { values, positionals } = parseArgs({
      args: own,
      allowPositionals: true,
      options: {
        as: { type: 'string' },
        shell: { type: 'boolean', default: false },
        env: { type: 'string', multiple: true, default: [] },
        secret: { type: 'string', multiple: true, default: [] },
        stdin: { type: 'string' },
        envelope: { type: 'string' },
        summary: { type: 'string' },
        policy: { type: 'string', multiple: true, default: [] },
        ...homeFlags,
        ...gateFlags,
      },
    });
    // Without the dashes its own options would be taken for ours.
    if (words === undefined || words.length === 0 || positionals.length > 0)
      throw usage('Put the command after “--”: countersign exec [OPTION…] -- COMMAND [ARG…]');
    requireName(values.as);
    const { as, shell, env, secret } = values;
    const request: ExecRequest = { as, shell, env, secret, words, stdin: stdinOf(values.stdin) };
    const elsewhere = gateWords(values, io);
    const gate = elsewhere ? { elsewhere: reach(elsewhere, values, io) } : { home: homeOf(values, io) };
    const [envelope, summary] = [pathOf(values.envelope, io), pathOf(values.summary, io)];
    if (envelope !== undefined && envelope === summary)
      throw usage('--envelope and --summary are two things: name two files.');
    const { runExec } = await import('../runtime/exec/run-exec.ts');
    return runExec({
      request,
      gate,
      envelope,
      summary,
      cwd: io.cwd,
      env: io.env,
      stdin: process.stdin,
      stdout: process.stdout,
      stderr: process.stderr,
      signals: process,
    });
  },
};

interface ExecValues {
  readonly policy: readonly string[];
  readonly home?: string | undefined;
  readonly ledger?: string | undefined;
}

function homeOf({ policy, home, ledger }: ExecValues, { env, cwd }: Io): HomeHere {
  return {
    root: homePath(home, env, cwd),
    ledger,
    apiKey: env['COUNTERSIGN_API_KEY'],
    policyFiles: policy.map((file) => resolve(cwd, file)),
  };
}

/** Policy, home and ledger are the gate's own affair. */
function reach({ address, identity, ca }: GateWords, values: ExecValues, io: Io): GateElsewhere {
  const { policy, home, ledger } = values;
  refuseBesideGate({ policy, home, ledger }, ['policy', 'home', 'ledger']);
  return {
    address,
    apiKey: io.env['COUNTERSIGN_API_KEY'],
    humanToken: humanTokenFrom(io),
    grant: environmentGrant(io.env),
    identity,
    ca: readAuthorities(ca),
  };
}

function requireName(name: string | undefined): void {
  try {
    if (name !== undefined) assertServerName(name);
  } catch (error) {
    throw usage(toCountersignError(error, 'INTERNAL', '--as takes a name.').message);
  }
}

function stdinOf(text: string | undefined): ExecRequest['stdin'] {
  if (text === undefined || text === 'none' || text === 'read' || text === 'terminal') return text;
  throw usage(`--stdin takes none, read or terminal, and not “${text}”.`);
}

function pathOf(path: string | undefined, { cwd }: Io): string | undefined {
  return path === undefined ? undefined : resolve(cwd, path);
}
