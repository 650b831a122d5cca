import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { homePath } from '../runtime/home-layout.ts';
import { openHome } from '../runtime/open-home.ts';
import type { Command } from './io.ts';

export const trustCommand: Command = {
  name: 'trust',
  summary: 'print trusted_root.json: what a verifier needs, and all it needs',
  help: `Usage: countersign trust [--home DIR]

Prints the trust root of this home (Sigstore's trusted_root.json v0.1). It holds certificates and public keys only.
Give it to whoever is to verify envelopes; they must get it from you, not from an envelope:

  countersign trust > trusted_root.json
  countersign verify --trust trusted_root.json result.json
`,
  run(args, io) {
    const { values } = parseArgs({ args: [...args], options: { home: { type: 'string' } } });
    const { layout } = openHome(homePath(values.home, io.env, io.cwd));
    io.stdout.write(readFileSync(layout.trustedRoot, 'utf8'));
    return Promise.resolve(0);
  },
};
