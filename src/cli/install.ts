import { parseArgs } from 'node:util';
import { homePath } from '../runtime/home/home-layout.ts';
import { keyVariable, type AgentHost } from '../runtime/hosts/agent-host.ts';
import { planInstall } from '../runtime/hosts/install.ts';
import { servingGate } from '../runtime/hosts/serving-gate.ts';
import type { ServerCommand } from '../runtime/server-ref.ts';
import { refuseBesideGate } from './gate-options.ts';
import { hostFlags, hostWords } from './host-options.ts';
import { carryOut } from './host-report.ts';
import type { Command, Io } from './io.ts';
import { ownProgram } from './own-program.ts';
import { usage } from './report.ts';

const help = `Usage: countersign install HOST NAME…|--all [OPTION…]

Puts “countersign wrap” in front of MCP servers that HOST starts already: claude-desktop, claude-code, cursor, vscode, codex or
gemini. It shows what changes as a diff; comments, order and everything else of an entry stay, and the file as it was is kept
beside it. Without --user and --project both the user's files and those of the current folder count.

  --all              every server that is started by a command
  --dry-run          only show it
  --user             only the files of this user
  --project DIR      only what belongs to this project
  --home DIR         the home that wrap is to use (default: $COUNTERSIGN_HOME, else ~/.countersign)
  --gate ADDRESS     have them relay to a gate that runs elsewhere and serves a server of that name; COUNTERSIGN_API_KEY is shown
                     to it, to ask whether it does
  --command PATH     what starts Countersign (default: this Node and this program, as hosts with a window know no PATH)
  --key-in-file      write the API key in COUNTERSIGN_API_KEY into the file, for hosts that cannot take it from elsewhere
  --json             what was done as JSON

The exit code is 0 when all of them are behind a gate then, 1 when one was refused, and 2 for misuse.

  countersign install claude-code --all --dry-run
  countersign install cursor files
`;

export const installCommand: Command = {
  help,
  async run(args, io) {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        ...hostFlags,
        home: { type: 'string' },
        gate: { type: 'string' },
        command: { type: 'string' },
        'key-in-file': { type: 'boolean', default: false },
      },
    });
    const words = hostWords('install', positionals, values, io);
    if (values.gate !== undefined) refuseBesideGate(values, ['home']);
    const keyInFile = values['key-in-file'] ? apiKeyOf(io, '--key-in-file writes it') : undefined;
    const plan = await planInstall({
      ...words,
      program: programOf(values.command),
      home: (values.home ?? io.env['COUNTERSIGN_HOME']) && homePath(values.home, io.env, io.cwd),
      gate:
        values.gate === undefined
          ? undefined
          : servingGate(values.gate, {
              cwd: io.cwd,
              apiKey: apiKeyOf(io, 'with --gate it is asked with it'),
            }),
      keyInFile,
    });
    return carryOut(
      plan,
      {
        isDryRun: values['dry-run'],
        json: values.json,
        secret: keyInFile,
        next: next(words.host, keyInFile !== undefined),
      },
      io,
    );
  },
};

function apiKeyOf({ env }: Io, why: string): string {
  const key = env[keyVariable];
  if (!key) throw usage(`There is no API key in ${keyVariable}: ${why}.`);
  return key;
}

/** What a host can start that knows no PATH. */
function programOf(command: string | undefined): ServerCommand {
  if (command !== undefined) return { command, args: [] };
  const advice =
    'install the package (npm install -g countersign), or say what starts it with --command PATH';
  return { command: process.execPath, args: [ownProgram(advice)] };
}

function next({ title, key }: AgentHost, isInFile: boolean): readonly string[] {
  const start = `Start ${title} again, and then accept what it lists: countersign tools list.`;
  if (isInFile)
    return [
      'The API key is in the file now: nobody else may read it, and it belongs in no repository.',
      start,
    ];
  if (key.kind === 'asked') return [`${title} will ask for the API key once.`, start];
  return [`${keyVariable} has to be in the environment that ${title} is started in.`, start];
}
