import { parseArgs } from 'node:util';
import { withHome, type OpenedHome } from '../runtime/home/with-home.ts';
import { homeOf } from './home.ts';
import { homeFlags } from './home-options.ts';
import type { Command, Io } from './io.ts';
import { usage } from './report.ts';
import { acceptTools } from './tools-accept.ts';
import { diffTools } from './tools-diff.ts';
import { listTools } from './tools-list.ts';

const help = `Usage: countersign tools list [NAME] [--home DIR] [--ledger URL] [--json]
       countersign tools diff NAME [TOOL…] [--home DIR] [--ledger URL] [--json]
       countersign tools accept NAME [TOOL…|--read-only] [--yes] [--strict] [--home DIR] [--ledger URL] [--json]

list    shows the tools of a wrapped server as it listed them last, and what is pinned of each:
          accepted   an operator accepted exactly this definition
          listed     pinned when it was first listed, not accepted
          changed    the server lists another definition than the pinned one: its calls are denied
          new        not pinned yet
diff    shows what changed of each tool whose definition is not the pinned one, and tools that are new or gone. The exit code
        is 0 when nothing differs, and 1 otherwise.
accept  shows what the server says of them, and accepts exactly these definitions. Without TOOL it takes all of them;
        --read-only takes those that the server itself calls read-only. On a terminal it asks first (--yes does not).

All three tell what is odd about a definition: names that look like others, characters that nobody sees, sentences that are meant
for the model. That is for you to judge: it changes no decision. accept --strict accepts nothing while there is any.

A server is known after it was wrapped once: countersign wrap --name NAME -- COMMAND
`;

export const toolsCommand: Command = {
  help,
  async run(args, io) {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        ...homeFlags,
        json: { type: 'boolean', default: false },
        yes: { type: 'boolean', default: false },
        strict: { type: 'boolean', default: false },
        'read-only': { type: 'boolean', default: false },
      },
    });
    const action = chooseAction(positionals, values, io);
    return withHome(homeOf(values, io), action);
  },
};

type Action = (opened: OpenedHome) => Promise<number>;

interface Flags {
  readonly json: boolean;
  readonly yes: boolean;
  readonly strict: boolean;
  readonly 'read-only': boolean;
}

function chooseAction([verb, name, ...tools]: readonly string[], flags: Flags, io: Io): Action {
  const { json, yes, strict, 'read-only': readOnly } = flags;
  if (verb !== 'accept' && (yes || strict || readOnly))
    throw usage('--yes, --strict and --read-only are for tools accept.');
  switch (verb) {
    case 'list':
      if (tools.length > 0) throw usage('tools list takes one server name at most.');
      return (opened) => listTools(opened, name, json, io);
    case 'diff':
      if (name === undefined) throw usage('tools diff needs the name of a server.');
      return (opened) => diffTools(opened, name, { tools, json }, io);
    case 'accept':
      if (name === undefined) throw usage('tools accept needs the name of a server.');
      if (readOnly && tools.length > 0) throw usage('Name tools, or use --read-only, not both.');
      if (json && !yes && io.stdout.isTTY === true)
        throw usage('Nobody is asked in JSON: look with “tools list”, and accept with --yes.');
      return (opened) => acceptTools(opened, name, { tools, readOnly, yes, strict, json }, io);
    default:
      throw usage('Say “tools list”, “tools diff NAME” or “tools accept NAME”. Try: countersign help tools');
  }
}
