import { base64, utf8 } from '../../src/call/bytes.ts';
import { sha256 } from '../../src/call/sha256.ts';
import { changed } from './conformance-world.ts';
import type { ConformanceCase, World } from './conformance-world.ts';
import { bundleOf, entryOf, recordAllow, recordTyped } from './made-bundle.ts';
import type { MadeBundle } from './made-bundle.ts';

/** What a bundle looks like, before anything in it is verified. */

const versionOne = 'v0.1 vouches for time by the log’s promise; the other two versions need a proof.';
const onlyCertificates = 'An identity is what a certificate states; a bare key has none.';

/** As for a key that is handed over out of band. */
function withoutCertificate(bundle: MadeBundle): void {
  const { certificate: _, ...material } = bundle.verificationMaterial;
  bundle.verificationMaterial = { publicKey: { hint: 'key' }, ...material };
}

/** A signature over bytes instead of one over a statement. */
function asMessage(bundle: MadeBundle, { recorded }: World): void {
  bundle.messageSignature = {
    messageDigest: { algorithm: 'SHA2_256', digest: base64(recorded.signed.paeSha256) },
    signature: base64(recorded.signed.signature),
  };
  delete bundle.dsseEnvelope;
}

export const formCases: readonly ConformanceCase[] = [
  ...[
    'rekor2-dsse-happy-path',
    'happy-path-v0.3-new-mediaType',
    'happy-path-intoto-in-dsse-v3',
    'dsse-with-hashedrekord-happy-path',
  ].map((name) => ({
    name,
    about: 'v0.3, a statement in DSSE, logged as hashedrekord over it',
    make: changed(() => undefined),
    codes: [],
  })),
  {
    name: 'happy-path-v0.2',
    about: 'v0.2 with the chain of certificates',
    make: changed(() => undefined, '0.2'),
    codes: [],
  },
  {
    name: 'intoto-with-custom-trust-root',
    about: 'a trust root of one’s own: the only kind there is here',
    make: (world) => ({ bundle: world.fresh(), trustedRoot: world.root() }),
    codes: [],
  },
  {
    name: 'happy-path-v0.1',
    about: 'the first version of the format',
    make: changed(
      (bundle) => (bundle.mediaType = 'application/vnd.dev.sigstore.bundle+json;version=0.1'),
      '0.2',
    ),
    codes: ['BUNDLE_VERSION'],
    narrower: versionOne,
  },
  {
    name: 'happy-path-v0.3',
    about: 'v0.3 with the media type as it was spelled at first',
    make: changed((bundle) => (bundle.mediaType = 'application/vnd.dev.sigstore.bundle+json;version=0.3')),
    codes: ['BUNDLE_VERSION'],
    narrower: 'One spelling a version: two of one thing are one too many to compare.',
  },
  {
    name: 'rekor2-happy-path',
    about: 'a signature over an artifact, without a statement',
    make: changed(asMessage),
    codes: ['BUNDLE_UNKNOWN_FIELD'],
    narrower: 'What is signed here is a statement: a signature over bytes states nothing.',
  },
  ...['managed-key-happy-path', 'managed-key-and-trusted-root'].map((name) => ({
    name,
    about: 'a key instead of a certificate',
    make: changed(withoutCertificate),
    codes: ['BUNDLE_UNKNOWN_FIELD' as const],
    narrower: onlyCertificates,
  })),
  ...['managed-key-no-key_fail', 'managed-key-wrong-key_fail', 'managed-key-and-client-identity_fail'].map(
    (name) => ({
      name,
      about: 'a key instead of a certificate, and not the right one',
      make: changed(withoutCertificate),
      codes: ['BUNDLE_UNKNOWN_FIELD' as const],
    }),
  ),
  {
    name: 'message-digest-mismatch_fail',
    about: 'a signature over an artifact, and a digest of another one',
    make: changed((bundle, world) => {
      asMessage(bundle, world);
      bundle.messageSignature!.messageDigest.digest = base64(sha256(utf8('another')));
    }),
    codes: ['BUNDLE_UNKNOWN_FIELD'],
  },
  {
    name: 'bundle-empty-certificate-chain_fail',
    about: 'a chain of no certificates',
    make: changed((bundle) => (bundle.verificationMaterial.x509CertificateChain!.certificates = []), '0.2'),
    codes: ['CERTIFICATE_CHAIN'],
  },
  {
    name: 'bundle-with-root-cert_fail',
    about: 'the chain’s root is in the bundle: a verifier must bring its own',
    make: changed((bundle, { system }) => {
      const chain = bundle.verificationMaterial.x509CertificateChain!.certificates;
      chain.push({ rawBytes: base64(system.keys.root.certificate) });
    }, '0.2'),
    codes: ['CERTIFICATE_CHAIN'],
  },
  {
    name: 'bundle-invalid-base64-signature_fail',
    about: 'a signature that is not base64',
    make: changed((bundle) => (bundle.dsseEnvelope!.signatures[0]!.sig = '!not-base64!')),
    codes: ['BUNDLE_MALFORMED'],
  },
  {
    name: 'bundle-malformed-json_fail',
    about: 'the text ends in the middle',
    make: (world) => ({ bundle: JSON.stringify(world.fresh()).slice(0, 1000) }),
    codes: ['BUNDLE_MALFORMED'],
  },
  {
    name: 'bundle-negative-log-index_fail',
    about: 'an index below zero',
    make: changed((bundle) => (entryOf(bundle).logIndex = '-1')),
    codes: ['BUNDLE_MALFORMED'],
  },
  {
    name: 'bundle-unknown-version_fail',
    about: 'a version that there is not yet',
    make: changed((bundle) => (bundle.mediaType = 'application/vnd.dev.sigstore.bundle.v99.9+json')),
    codes: ['BUNDLE_VERSION'],
  },
  {
    name: 'bundle-from-wrong-instance_fail',
    about: 'a good bundle of another instance, whose names are ours',
    make: async ({ elsewhere }) => ({ bundle: bundleOf(elsewhere, await recordAllow(elsewhere)) }),
    codes: ['CERTIFICATE_CHAIN', 'TIMESTAMP_INVALID', 'LOG_UNKNOWN'],
  },
  {
    name: 'dsse-statement-missing-type_fail',
    about: 'a signed and logged payload that does not say it is a statement',
    make: async ({ system }) => ({ bundle: bundleOf(system, await recordTyped(system, undefined)) }),
    codes: ['STATEMENT_MALFORMED'],
  },
  {
    name: 'dsse-statement-unknown-type_fail',
    about: 'a signed and logged payload that says it is something else',
    make: async ({ system }) => ({
      bundle: bundleOf(system, await recordTyped(system, 'https://in-toto.io/Statement/v99')),
    }),
    codes: ['STATEMENT_MALFORMED'],
  },
  {
    name: 'wrong-material_fail',
    about: 'a good bundle, shown for another document',
    make: (world) => ({ bundle: world.fresh(), action: utf8('{"args":{}}') }),
    codes: ['SUBJECT_MISMATCH'],
  },
];
