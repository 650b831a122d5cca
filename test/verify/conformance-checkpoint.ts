import { randomBytes } from 'node:crypto';
import { base64, utf8 } from '../../src/call/bytes.ts';
import { sha256 } from '../../src/call/sha256.ts';
import { generateEcdsaKey, generateEd25519Key } from '../../src/pki/signer-node.ts';
import { logKeyId } from '../envelope/tiny-log.ts';
import { changed } from './conformance-world.ts';
import type { ConformanceCase, World } from './conformance-world.ts';
import { noteLine, proofOf, signAsLog } from './made-bundle.ts';

/** The signed head that a proof leads to. */

/** The good bundle, its checkpoint's text and signature lines changed. */
const withCheckpoint = (change: (text: string, lines: string, world: World) => string) =>
  changed((bundle, world) => {
    const { checkpoint } = proofOf(bundle);
    const [text = '', lines = ''] = checkpoint.envelope.split('\n\n');
    checkpoint.envelope = change(`${text}\n`, lines, world);
  });

/** The log's signature over a text that lacks the line `at`. */
const signedWithout = (at: number) =>
  withCheckpoint((text, _, { system }) =>
    signAsLog(
      system,
      text
        .split('\n')
        .filter((_line, i) => i !== at)
        .join('\n'),
    ),
  );

/** As witnesses sign: algorithm 4, eight bytes of time before the signature. Of a key that no trust root names. */
function cosignature(name: string): string {
  return noteLine(name, randomBytes(4), randomBytes(8 + 64));
}

/** A second key of the log's own name, that the trust root does not name. */
function otherKeyLine({ system }: World, text: string): string {
  const { signer } = generateEcdsaKey();
  return noteLine(system.origin, sha256(signer.publicKey), signer.sign(utf8(text)));
}

const spoilt = 'CHECKPOINT_INVALID';

export const checkpointCases: readonly ConformanceCase[] = [
  {
    name: 'rekor2-checkpoint-cosigned',
    about: 'a witness whom nobody here knows signed too',
    make: withCheckpoint((text, lines) => `${text}\n${lines}${cosignature('witness.example')}`),
    codes: [],
  },
  {
    name: 'rekor2-checkpoint-multiple-cosigs',
    about: 'several did',
    make: withCheckpoint(
      (text, lines) => `${text}\n${lines}${cosignature('one.example')}${cosignature('two.example')}`,
    ),
    codes: [],
  },
  {
    name: 'rekor2-checkpoint-origin-not-first',
    about: 'the witness’s line stands before the log’s',
    make: withCheckpoint((text, lines) => `${text}\n${cosignature('witness.example')}${lines}`),
    codes: [],
  },
  {
    name: 'rekor2-checkpoint-two-sigs-from-origin',
    about: 'a second line of the log’s name, by a key that the trust root does not have',
    make: withCheckpoint((text, lines, world) => `${text}\n${lines}${otherKeyLine(world, text)}`),
    codes: [],
  },
  {
    name: 'rekor2-checkpoint-two-sigs-cosigned',
    about: 'that, and a witness',
    make: withCheckpoint(
      (text, lines, world) =>
        `${text}\n${lines}${otherKeyLine(world, text)}${cosignature('witness.example')}`,
    ),
    codes: [],
  },
  {
    name: 'checkpoint-bad-keyhint_fail',
    about: 'the log’s signature under the id of another key',
    make: withCheckpoint((text, _, { system }) => {
      const signature = system.logSigner.sign(utf8(text));
      return `${text}\n${noteLine(system.origin, sha256(utf8('another key')), signature)}`;
    }),
    codes: [spoilt],
  },
  {
    name: 'checkpoint-wrong-roothash_fail',
    about: 'a head that the log did sign, of another tree',
    make: withCheckpoint((text, _, { system }) => {
      const [origin, size] = text.split('\n');
      return signAsLog(system, `${origin}\n${size}\n${base64(sha256(utf8('another tree')))}\n`);
    }),
    codes: [spoilt],
  },
  {
    name: 'invalid-checkpoint-signature_fail',
    about: 'another key’s signature under the id of the log’s',
    make: withCheckpoint((text, _, { system }) => signAsLog(system, text, generateEd25519Key().signer)),
    codes: [spoilt],
  },
  {
    name: 'rekor2-checkpoint-missing-log-signature_fail',
    about: 'only a witness signed',
    make: withCheckpoint((text) => `${text}\n${cosignature('witness.example')}`),
    codes: [spoilt],
  },
  {
    name: 'rekor2-checkpoint-no-matching-signature_fail',
    about: 'the log’s signature under another name',
    make: withCheckpoint((text, _, { system }) => {
      const keyId = logKeyId(system.origin, system.logSigner);
      return `${text}\n${noteLine('log.other.example', keyId, system.logSigner.sign(utf8(text)))}`;
    }),
    codes: [spoilt],
  },
  {
    name: 'rekor2-checkpoint-missing-origin_fail',
    about: 'no origin, though the log signed it so',
    make: signedWithout(0),
    codes: [spoilt],
  },
  {
    name: 'rekor2-checkpoint-missing-size_fail',
    about: 'no size, though the log signed it so',
    make: signedWithout(1),
    codes: [spoilt],
  },
  {
    name: 'rekor2-checkpoint-missing-root-hash_fail',
    about: 'no root, though the log signed it so',
    make: signedWithout(2),
    codes: [spoilt],
  },
];
