import { existsSync, readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { CountersignError } from '../errors.ts';
import { logVkeys } from '../runtime/log/log-vkeys.ts';
import { homeOf } from './home.ts';
import type { Command } from './io.ts';

export const trustCommand: Command = {
  help: `Usage: countersign trust [--vkey|--compromised] [--home DIR]

Prints the trust root of this home (Sigstore's trusted_root.json v0.1). It holds certificates and public keys only.
Give it to whoever is to verify envelopes; they must get it from you, not from an envelope:

  countersign trust > trusted_root.json
  countersign verify --trust trusted_root.json result.json

  --vkey   prints the keys that the log signs with instead, one a line, as witnesses and other readers of checkpoints take them
           (https://c2sp.org/signed-note)

  --compromised   prints instead the keys that somebody else may hold, and up to which tree what they signed is trusted
                  (see countersign keys compromised), for countersign verify --compromised
`,
  async run(args, io) {
    const { values } = parseArgs({
      args: [...args],
      options: {
        home: { type: 'string' },
        vkey: { type: 'boolean', default: false },
        compromised: { type: 'boolean', default: false },
      },
    });
    const { layout } = homeOf(values, io);
    if (values.vkey) {
      for (const vkey of await logVkeys(layout, Date.now())) io.stdout.write(`${vkey}\n`);
    } else if (values.compromised) {
      io.stdout.write(readDeclaration(layout.compromised));
    } else {
      io.stdout.write(readFileSync(layout.trustedRoot, 'utf8'));
    }
    return 0;
  },
};

function readDeclaration(path: string): string {
  if (existsSync(path)) return readFileSync(path, 'utf8');
  throw new CountersignError('NOT_FOUND', 'No key of this home was declared compromised.');
}
