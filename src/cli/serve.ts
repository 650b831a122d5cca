import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { homePath } from '../runtime/home/home-layout.ts';
import { runServe } from '../runtime/serve/serve.ts';
import type { Command } from './io.ts';
import { usage } from './report.ts';

const help = `Usage: countersign serve --config FILE [OPTION…]

Serves the gateway over HTTP: POST /actions/NAME for the actions that the configuration declares, each decided, signed and
recorded before it is carried out; the public half of the log under /log and /trust; /healthz and /readyz. Callers bring
their API key as “Authorization: Bearer KEY”.

  --config FILE   the configuration (countersign config schema prints what it may say)
  --home DIR      the home (default: $COUNTERSIGN_HOME, else ~/.countersign)
  --ledger URL    where a home's PostgreSQL ledger is, with its password (default: $COUNTERSIGN_LEDGER, else as the home says)

SIGHUP has the configuration read again: it is taken whole or not at all, and the change is a statement in the log. SIGINT
or SIGTERM end it: what runs is answered and settled first.

  countersign serve --config countersign.yaml
`;

export const serveCommand: Command = {
  name: 'serve',
  summary: 'serve the gateway over HTTP: actions, and the public half of the log',
  help,
  async run(args, io) {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { config: { type: 'string' }, home: { type: 'string' }, ledger: { type: 'string' } },
    });
    if (positionals.length > 0) throw usage(`serve takes no “${positionals.join(' ')}”.`);
    if (values.config === undefined) throw usage('Say what to serve: --config FILE.');
    return runServe({
      home: homePath(values.home, io.env, io.cwd),
      ledger: values.ledger,
      configFile: resolve(io.cwd, values.config),
      env: io.env,
      stderr: io.stderr,
      onListening: (url) => io.stderr.write(`countersign: listening on ${url}\n`),
      signals: process,
    });
  },
};
