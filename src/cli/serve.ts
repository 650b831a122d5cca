import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { homePath } from '../runtime/home/home-layout.ts';
import { runServe, type Served } from '../runtime/serve/serve.ts';
import { parseDuration } from './duration.ts';
import { homeFlags } from './home-options.ts';
import type { Command, Io } from './io.ts';
import { usage } from './report.ts';

const help = `Usage: countersign serve --config FILE [OPTION…]
       countersign serve --socket PATH [OPTION…]

Serves the gateway over HTTP: POST /actions/NAME for the actions that the configuration declares, each decided, signed and
recorded before it is carried out; the public half of the log under /log and /trust; /healthz and /readyz. Callers bring
their API key as “Authorization: Bearer KEY”.

  --config FILE   the configuration (countersign config schema prints what it may say). Without one the home's own policy is
                  served on --socket: decisions and the log, no actions and no servers; of the home's countersign.yaml what it
                  says of identity counts
  --socket PATH   listen on a unix socket, in place of what the configuration says: its user and group may connect (0660)
  --home DIR      the home (default: $COUNTERSIGN_HOME, else ~/.countersign)
  --ledger URL    where a home's PostgreSQL ledger is, with its password (default: $COUNTERSIGN_LEDGER, else as the home says)
  --idle DURATION end by itself when nobody has asked anything for that long (30m, 2h) and no call is open
  --no-watch      take another configuration on SIGHUP only, not when its files change

A configuration or policy that changes is read again, and so it is on SIGHUP: it is taken whole or not at all, and the change is
a statement in the log. SIGINT
or SIGTERM end it: what runs is answered and settled first.

  countersign serve --config countersign.yaml
`;

export const serveCommand: Command = {
  help,
  async run(args, io) {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        config: { type: 'string' },
        socket: { type: 'string' },
        ...homeFlags,
        idle: { type: 'string' },
        'no-watch': { type: 'boolean' },
      },
    });
    if (positionals.length > 0) throw usage(`serve takes no “${positionals.join(' ')}”.`);
    const idle = values.idle === undefined ? undefined : parseDuration(values.idle);
    if (values.idle !== undefined && !idle) throw usage('--idle is a duration such as 30m or 2h.');
    return runServe({
      home: homePath(values.home, io.env, io.cwd),
      ledger: values.ledger,
      serves: servedBy(values, io),
      idle,
      env: io.env,
      stderr: io.stderr,
      onListening: (place) => io.stderr.write(`countersign: listening on ${place}\n`),
      watch: values['no-watch'] !== true,
      signals: process,
    });
  },
};

function servedBy(
  { config, socket }: { readonly config?: string | undefined; readonly socket?: string | undefined },
  { cwd }: Io,
): Served {
  const on = socket === undefined ? undefined : resolve(cwd, socket);
  if (config !== undefined) return { configFile: resolve(cwd, config), socket: on };
  if (on === undefined)
    throw usage('Say what to serve, --config FILE, or where the home alone: --socket PATH.');
  return { socket: on };
}
