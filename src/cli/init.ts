import { existsSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { CountersignError } from '../errors.ts';
import { homeLayout, homePath } from '../runtime/home/home-layout.ts';
import { openHome } from '../runtime/home/open-home.ts';
import { homeFlags } from './home-options.ts';
import type { Command, Io } from './io.ts';
import { palette } from './paint.ts';

export const initCommand: Command = {
  help: `Usage: countersign init [--home DIR] [--ledger URL] [--json]

Makes a home (default: $COUNTERSIGN_HOME, else ~/.countersign) with its own certificate authority, timestamp authority
and transparency log, a starter policy that allows only the tools you accept, and one API key, which is shown once.
It never overwrites: run again, it says what is there and exits with 1.

  --ledger URL   keeps the log in PostgreSQL: postgres://USER:PASSWORD@HOST/DATABASE?schema=NAME (default: $COUNTERSIGN_LEDGER,
                 else a file in the home). The home remembers the URL without its password
  --json         prints {"home", "apiKey", "trustedRoot"}

With COUNTERSIGN_KEY_PASSPHRASE set (or COUNTERSIGN_KEY_PASSPHRASE_FILE, the path of a private file) the keys are encrypted, and
every later command needs the same.
`,
  async run(args, io) {
    const { values } = parseArgs({
      args: [...args],
      options: {
        ...homeFlags,
        json: { type: 'boolean', default: false },
      },
    });
    const root = homePath(values.home, io.env, io.cwd);
    const { createHome } = await import('../runtime/home/create-home.ts');
    try {
      const made = await createHome(root, values.ledger ?? io.env['COUNTERSIGN_LEDGER']);
      const flag = values.home ? ` --home ${root}` : '';
      io.stdout.write(values.json ? `${JSON.stringify(made)}\n` : welcome(made, flag, io));
      return 0;
    } catch (error) {
      if (!(error instanceof CountersignError) || error.code !== 'HOME_EXISTS') throw error;
      // The ledger alone can be there already, when it is not in the home.
      if (!existsSync(homeLayout(root).config)) throw error;
      io.stdout.write(values.json ? `${JSON.stringify(existingJson(root))}\n` : existing(root));
      return 1;
    }
  },
};

function welcome(
  { home, apiKey, trustedRoot }: { home: string; apiKey: string; trustedRoot: string },
  homeFlag: string,
  io: Io,
): string {
  const { bold, dim } = palette(io.stdout, io);
  return `Made a home at ${home}

  API key      ${bold(apiKey)}
               ${dim('shown this once: keep it, and give it to the gate as COUNTERSIGN_API_KEY')}
  trust root   ${trustedRoot}
  policy       ${homeLayout(home).policy}

Next: put the gate in front of an MCP server, list its tools and accept those that you want to allow.

  export COUNTERSIGN_API_KEY=…
  countersign wrap${homeFlag} --name files -- npx -y @modelcontextprotocol/server-filesystem .
  countersign tools accept${homeFlag} files --read-only

A key for each agent, limited to its tools and networks: countersign key create${homeFlag} --agent NAME
`;
}

function existing(root: string): string {
  const { config, layout } = openHome(root);
  return `There is a home at ${root} already; nothing was changed.

  made         ${config.createdAt}
  log          ${config.origin}
  trust root   ${layout.trustedRoot}
  policy       ${layout.policy}
  API keys     ${layout.apiKeys} (digests only: a key is shown once, when it is made)
               another one: countersign key create
`;
}

function existingJson(root: string) {
  const { config, layout } = openHome(root);
  return {
    error: 'HOME_EXISTS',
    home: root,
    trustedRoot: layout.trustedRoot,
    policy: layout.policy,
    origin: config.origin,
    createdAt: config.createdAt,
  };
}
