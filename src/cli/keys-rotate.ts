import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { CountersignError } from '../errors.ts';
import { lastTrustedHead } from '../runtime/keys/compromised.ts';
import { keyPurposes } from '../runtime/keys/new-keys.ts';
import type { Home } from '../runtime/home/open-home.ts';
import { defaultOverlap, rotateKey, type Rotation } from '../runtime/keys/rotate-keys.ts';
import { parseDuration } from './duration.ts';
import { homeOf } from './home.ts';
import { homeFlags } from './home-options.ts';
import type { Io } from './io.ts';
import { usage } from './report.ts';

/** `keys rotate PURPOSE`: another key takes the place of the one there is. */
export async function keysRotate(args: readonly string[], io: Io): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      ...homeFlags,
      overlap: { type: 'string' },
      json: { type: 'boolean', default: false },
    },
  });
  const purpose = purposeOf(positionals);
  const overlap = values.overlap === undefined ? defaultOverlap : millisecondsOf(values.overlap);
  const home = homeOf(values, io);
  const rotation = await rotateKey(home, { purpose, overlap });
  io.stdout.write(values.json ? `${JSON.stringify(rotation)}\n` : rotated(rotation, home));
  return 0;
}

/** `keys compromised PURPOSE`: the same, and what the old key signed counts only as far as a head that is still trusted shows it. */
export async function keysCompromised(args: readonly string[], io: Io): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      ...homeFlags,
      'last-trusted': { type: 'string' },
      json: { type: 'boolean', default: false },
    },
  });
  const purpose = purposeOf(positionals);
  const file = values['last-trusted'];
  const kept = file === undefined ? undefined : readCheckpoint(resolve(io.cwd, file));
  const home = homeOf(values, io);
  const rotation = await rotateKey(home, {
    purpose,
    overlap: 0,
    compromised: { lastTrusted: (opened) => lastTrustedHead(home, opened, kept) },
  });
  io.stdout.write(values.json ? `${JSON.stringify(rotation)}\n` : compromised(rotation, home));
  return 0;
}

function purposeOf([word, ...more]: readonly string[]): Rotation['purpose'] {
  const purpose = keyPurposes.find((known) => known === word);
  if (purpose === undefined || more.length > 0) throw usage(`Name one key: ${keyPurposes.join(', ')}.`);
  return purpose;
}

function millisecondsOf(text: string): number {
  const overlap = parseDuration(text);
  if (overlap === undefined) throw usage('--overlap takes a time such as 90m, 2h or 3d.');
  return overlap;
}

function readCheckpoint(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new CountersignError('CONFIG_INVALID', `The checkpoint ${path} cannot be read.`, { cause: error });
  }
}

function rotated({ purpose, retired, successor }: Rotation, { layout }: Home): string {
  return `The ${purpose} key was rotated.

  retired     sha256:${retired.sha256}
              valid until ${retired.validUntil}; its private key is deleted
  successor   sha256:${successor.sha256}
  trust root  ${layout.trustedRoot}

Hand out the new trust root now: what is signed from here on needs it, and it verifies what is older too.

  countersign trust > trusted_root.json
${purpose === 'log' ? forWitnesses : ''}`;
}

/** They know a log by the keys that sign it, and refuse its next head until they know the new one. */
const forWitnesses = `
Whoever witnesses this log needs its new key: countersign trust --vkey
`;

function compromised(rotation: Rotation, { layout }: Home): string {
  const { purpose, retired, successor, lastTrusted } = rotation;
  return `The ${purpose} key is declared compromised, and another one took its place.

  compromised  sha256:${retired.sha256}
  trusted      up to the tree of ${lastTrusted?.treeSize} entries with the root ${lastTrusted?.rootHash}
  successor    sha256:${successor.sha256}
  declaration  ${layout.compromised}

Hand out both, by a way that does not rest on this key:

  countersign trust > trusted_root.json
  countersign trust --compromised > compromised.json
`;
}
