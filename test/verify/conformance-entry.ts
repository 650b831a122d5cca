import { base64, fromBase64, fromUtf8, utf8 } from '../../src/call/bytes.ts';
import { sha256 } from '../../src/call/sha256.ts';
import type { Statement } from '../../src/envelope/envelope.ts';
import { generateEcdsaKey } from '../../src/pki/signer-node.ts';
import { preAuthentication } from '../../src/verify/leaf.ts';
import { flipBit } from '../tlog/reference.ts';
import { changed } from './conformance-world.ts';
import type { ConformanceCase, World } from './conformance-world.ts';
import { bundleOf, entryOf, leafWith, placeLeaf, proofOf, putEnvelope, recordAllow } from './made-bundle.ts';
import type { MadeBundle } from './made-bundle.ts';

/** Whether signature, statement and log entry are about one another. */

/** A good signature of the statement, and a stamp on it, by a key that nobody certified. */
async function signedByAnother({
  system,
  recorded,
}: World): Promise<{ signature: Uint8Array; timestamp: Uint8Array }> {
  const signature = generateEcdsaKey().signer.sign(preAuthentication(recorded.signed.payload));
  return { signature, timestamp: await system.timestamps.stamp(signature, system.now) };
}

/** A leaf that is about this envelope but for one thing, and that the log did take in. */
const loggedWith = (change: (world: World) => Promise<Parameters<typeof leafWith>[2]>) =>
  changed(async (bundle, world) => {
    const { certificate } = world.system.identity;
    placeLeaf(world.system, bundle, leafWith(world.recorded.signed, certificate, await change(world)));
  });

/** Another good statement's entry in this bundle. */
async function swapEntry(bundle: MadeBundle, { system }: World): Promise<void> {
  bundle.verificationMaterial.tlogEntries = [entryOf(bundleOf(system, await recordAllow(system)))];
}

/** The same payload, signed again by the same key and stamped: a good envelope, and not the one that was logged. */
async function signAgain(bundle: MadeBundle, { system, recorded }: World): Promise<void> {
  const again = await system.record('allow', JSON.parse(fromUtf8(recorded.signed.payload)!) as Statement);
  putEnvelope(bundle, again.signed);
}

/** Another statement, good in itself, over the entry of the first. */
async function swapEnvelope(bundle: MadeBundle, { system }: World): Promise<void> {
  putEnvelope(bundle, (await recordAllow(system)).signed);
}

export const entryCases: readonly ConformanceCase[] = [
  ...['dsse-invalid-sig_fail', 'rekor2-dsse-invalid-sig_fail', 'dsse-with-hashedrekord-invalid-sig_fail'].map(
    (name) => ({
      name,
      about: 'another key’s signature, stamped, and logged as if it were the certificate’s',
      make: changed(async (bundle, world) => {
        const { system, recorded } = world;
        const forged = { ...recorded.signed, ...(await signedByAnother(world)) };
        putEnvelope(bundle, forged);
        placeLeaf(system, bundle, leafWith(forged, system.identity.certificate));
      }),
      codes: ['SIGNATURE_INVALID' as const],
    }),
  ),
  {
    name: 'signature-mismatch_fail',
    about: 'another key’s signature, and the entry of the right one',
    make: changed(async (bundle, world) => {
      putEnvelope(bundle, { ...world.recorded.signed, ...(await signedByAnother(world)) });
    }),
    codes: ['SIGNATURE_INVALID', 'LEAF_MISMATCH'],
  },
  ...[
    'dsse-mismatch-envelope_fail',
    'rekor2-dsse-mismatch-envelope_fail',
    'dsse-with-hashedrekord-mismatch-envelope_fail',
  ].map((name) => ({
    name,
    about: 'a good envelope over the entry of another',
    make: changed(swapEnvelope),
    codes: ['LEAF_MISMATCH' as const],
  })),
  ...[
    'dsse-mismatch-sig_fail',
    'rekor2-dsse-mismatch-sig_fail',
    'dsse-with-hashedrekord-mismatch-sig_fail',
  ].map((name) => ({
    name,
    about: 'the same statement, signed a second time by the same key',
    make: changed(signAgain),
    codes: ['LEAF_MISMATCH' as const],
  })),
  ...[
    'intoto-log-entry-mismatch_fail',
    'wrong-hashedrekord-entry_fail',
    'cve-2022-36056-swapped-tlog-entry_fail',
  ].map((name) => ({
    name,
    about: 'the entry of another good envelope',
    make: changed(swapEntry),
    codes: ['LEAF_MISMATCH' as const],
  })),
  {
    name: 'wrong-hashedrekord-artifact_fail',
    about: 'the entry is about other bytes',
    make: loggedWith(() => Promise.resolve({ paeSha256: sha256(utf8('another')) })),
    codes: ['LEAF_MISMATCH'],
  },
  {
    name: 'incorrect-public-key_fail',
    about: 'the entry names another certificate',
    make: loggedWith(async ({ system }) => ({ certificate: (await system.issue()).certificate })),
    codes: ['LEAF_MISMATCH'],
  },
  {
    name: 'wrong-hashedrekord-cert-and-sig_fail',
    about: 'the entry names another certificate, and a signature by its key',
    make: loggedWith(async ({ system, recorded }) => {
      const { certificate, signer } = await system.issue();
      return { certificate, signature: await signer.sign(preAuthentication(recorded.signed.payload)) };
    }),
    codes: ['LEAF_MISMATCH'],
  },
  ...['integrated-time-in-future_fail', 'intoto-set-outside-signing-cert-validity_fail'].map((name) => ({
    name,
    about: 'the entry states a time of its own',
    make: changed((bundle, { system }) => {
      entryOf(bundle).integratedTime = String(system.now / 1000 + 86_400);
    }),
    codes: ['LOG_ENTRY_KIND' as const],
  })),
  {
    name: 'intoto-canonical-log-entry',
    about: 'an entry of an older kind, in its canonical form',
    make: changed((bundle) => (entryOf(bundle).kindVersion = { kind: 'intoto', version: '0.0.2' })),
    codes: ['LOG_ENTRY_KIND'],
    narrower: 'One kind of entry, whose leaf we can make anew from the envelope byte for byte.',
  },
  {
    name: 'set-invalid-signature_fail',
    about: 'the log’s promise of inclusion, and not by the log',
    make: changed((bundle) => {
      const signedEntryTimestamp = base64(utf8('nobody here looks at it'));
      entryOf(bundle).inclusionPromise = { signedEntryTimestamp };
    }),
    codes: ['BUNDLE_UNKNOWN_FIELD'],
  },
  {
    name: 'inclusion-proof-corrupted-hash_fail',
    about: 'one bit of one hash of the proof',
    make: changed((bundle) => {
      const { hashes } = proofOf(bundle);
      hashes[0] = base64(flipBit(fromBase64(hashes[0]!)!, 100));
    }),
    codes: ['INCLUSION_INVALID'],
  },
  {
    name: 'invalid-inclusion-proof_fail',
    about: 'an older proof, of another entry',
    make: changed((bundle, { system }) => {
      const proof = system.proof({ index: 1 }, 3);
      Object.assign(proofOf(bundle), {
        logIndex: '1',
        treeSize: '3',
        rootHash: base64(proof.rootHash),
        hashes: proof.hashes.map(base64),
        checkpoint: { envelope: proof.checkpoint },
      });
    }),
    codes: ['LOG_INDEX_MISMATCH', 'INCLUSION_INVALID'],
  },
  ...['intoto-missing-inclusion-proof_fail', 'rekor2-no-inclusion-proof_fail'].map((name) => ({
    name,
    about: 'an entry without a proof: nobody asks the log for one',
    make: changed((bundle) => delete entryOf(bundle).inclusionProof, '0.2'),
    codes: ['BUNDLE_MALFORMED' as const],
  })),
];
