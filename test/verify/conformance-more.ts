import { base64, utf8 } from '../../src/call/bytes.ts';
import { sha256 } from '../../src/call/sha256.ts';
import { parseTimestampResponse } from '../../src/pki/parse-timestamp.ts';
import { ecdsaSigner } from '../../src/pki/signer-node.ts';
import { changed } from './conformance-world.ts';
import type { ConformanceCase, World } from './conformance-world.ts';
import { forgeIdentity } from './forge.ts';
import {
  bundleOf,
  entryOf,
  leafWith,
  placeLeaf,
  proofOf,
  putEnvelope,
  putTimestamps,
  recordAllow,
  signAsLog,
} from './made-bundle.ts';
import type { MadeBundle } from './made-bundle.ts';
import { moveToken } from './timestamp-token.ts';

/** What sigstore-conformance leaves open, and verifiers differ in. All of it is refused. */

const kinds = [
  ['hashedrekord', '0.0.1'],
  ['dsse', '0.0.1'],
  ['dsse', '0.0.2'],
  ['intoto', '0.0.2'],
] as const;

/** A text that the log did sign, instead of the checkpoint. */
const checkpointText = (text: (world: World, bundle: MadeBundle) => string) =>
  changed((bundle, world) => {
    proofOf(bundle).checkpoint.envelope = signAsLog(world.system, text(world, bundle));
  });

export const moreCases: readonly Omit<ConformanceCase, 'narrower'>[] = [
  ...kinds.map(([kind, version]) => ({
    name: `an entry of kind ${kind} ${version}`,
    about: 'its leaf is that of hashedrekord 0.0.2 all the same',
    make: changed((bundle) => (entryOf(bundle).kindVersion = { kind, version })),
    codes: ['LOG_ENTRY_KIND' as const],
  })),
  {
    name: 'one entry twice',
    about: 'a threshold of two would count it so',
    make: changed((bundle) => bundle.verificationMaterial.tlogEntries.push(entryOf(bundle))),
    codes: ['LOG_ENTRY_KIND'],
  },
  {
    name: 'one signature twice',
    about: 'both hold',
    make: changed((bundle) => bundle.dsseEnvelope!.signatures.push(bundle.dsseEnvelope!.signatures[0]!)),
    codes: ['SIGNATURE_COUNT'],
  },
  {
    name: 'one timestamp twice',
    about: 'both hold',
    make: changed((bundle) => {
      const { rfc3161Timestamps } = bundle.verificationMaterial.timestampVerificationData;
      rfc3161Timestamps.push(rfc3161Timestamps[0]!);
    }),
    codes: ['TIMESTAMP_INVALID'],
  },
  {
    name: 'a statement and a signature over bytes',
    about: 'two readers would look at different ones',
    make: changed((bundle, { recorded }) => {
      const digest = base64(recorded.signed.paeSha256);
      const signature = base64(recorded.signed.signature);
      bundle.messageSignature = { messageDigest: { algorithm: 'SHA2_256', digest }, signature };
    }),
    codes: ['BUNDLE_UNKNOWN_FIELD'],
  },
  {
    name: 'a certificate and a chain',
    about: 'two readers would look at different ones',
    make: changed((bundle) => {
      const { certificate } = bundle.verificationMaterial;
      bundle.verificationMaterial.x509CertificateChain = { certificates: [certificate!] };
    }),
    codes: ['BUNDLE_UNKNOWN_FIELD'],
  },
  {
    name: 'a certificate without an SCT',
    about: 'nobody saw it issued',
    make: async ({ system }) => {
      const identity = forgeIdentity(system, { scts: 0 });
      return { bundle: bundleOf(system, await recordAllow(system, { identity })) };
    },
    codes: ['SCT_INVALID'],
  },
  {
    name: 'a proof that states another root',
    about: 'its hashes and the checkpoint are right',
    make: changed((bundle) => (proofOf(bundle).rootHash = base64(sha256(utf8('another tree'))))),
    codes: ['CHECKPOINT_INVALID', 'INCLUSION_INVALID'],
  },
  {
    name: 'a checkpoint of another origin',
    about: 'the log’s own key signed it: a key must not speak for two logs',
    make: checkpointText((_, bundle) =>
      proofOf(bundle)
        .checkpoint.envelope.split('\n\n')[0]!
        .replace(/^[^\n]*/, 'log.other.example')
        .concat('\n'),
    ),
    codes: ['CHECKPOINT_INVALID'],
  },
  {
    name: 'a checkpoint of a size with a leading zero',
    about: 'the log’s own key signed it',
    make: checkpointText((_, bundle) =>
      proofOf(bundle)
        .checkpoint.envelope.split('\n\n')[0]!
        .replace(/\n(\d+)\n/, '\n0$1\n')
        .concat('\n'),
    ),
    codes: ['CHECKPOINT_INVALID'],
  },
];

/** The hands that damage bundles do nothing else to them: what they make without damage verifies. */
export const soundCases: readonly Pick<ConformanceCase, 'name' | 'make'>[] = [
  {
    name: 'a checkpoint that was signed anew',
    make: checkpointText((_, bundle) => `${proofOf(bundle).checkpoint.envelope.split('\n\n')[0]!}\n`),
  },
  {
    name: 'a leaf that was logged anew',
    make: changed((bundle, { system, recorded }) => {
      placeLeaf(system, bundle, leafWith(recorded.signed, system.identity.certificate));
    }),
  },
  {
    name: 'an envelope that was put in anew',
    make: changed((bundle, { recorded }) => putEnvelope(bundle, recorded.signed)),
  },
  {
    name: 'a timestamp that was moved by a second',
    make: changed((bundle, { system, recorded }) => {
      const response = parseTimestampResponse(recorded.signed.timestamp);
      const signer = ecdsaSigner(system.keys.timestamp.privateKey);
      putTimestamps(bundle, moveToken(response, [system.now, system.now + 1000], signer));
    }),
  },
];
