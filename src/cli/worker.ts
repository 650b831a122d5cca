import { parseArgs } from 'node:util';
import { homeOf } from './home.ts';
import type { Command, Io } from './io.ts';
import { usage } from './report.ts';

const help = `Usage: countersign worker secrets [--home DIR] | npx wrangler secret bulk

secrets   prints what a Cloudflare Worker needs of a home as one JSON object of secrets: the keys that sign (not those of the
          roots), certificates, the trust root, the log’s first entry, and the API keys as digests. From then on the log is
          the Worker’s: the home’s own ledger is never opened again. The home must be new: HOME_IN_USE otherwise

Printed again, the same log, with the API keys of then: that is how one that “countersign key” made or revoked reaches it. Keep the
home, with the private keys of its roots, where no agent is.

  countersign init --home worker-home
  countersign worker secrets --home worker-home | npx wrangler secret bulk
`;

export const workerCommand: Command = {
  help,
  async run(args, io) {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { home: { type: 'string' } },
    });
    if (positionals.join(' ') !== 'secrets') throw usage('Say: worker secrets. Try: countersign help worker');
    refuseTerminal(io);
    const { workerSecrets } = await import('../runtime/home/worker-secrets.ts');
    io.stdout.write(`${JSON.stringify(await workerSecrets(homeOf(values, io)), null, 2)}\n`);
    return 0;
  },
};

/** Private keys on a screen stay in its history. */
function refuseTerminal({ stdout }: Io): void {
  if (stdout.isTTY === true)
    throw usage(
      'These are secrets: pass them on, as in: countersign worker secrets | npx wrangler secret bulk',
    );
}
