import { base64 } from '../../src/call/bytes.ts';
import { parseTimestampResponse } from '../../src/pki/parse-timestamp.ts';
import { ecdsaSigner } from '../../src/pki/signer-node.ts';
import { testTrustSystem } from '../support/trust-system.ts';
import type { RecordOptions } from '../support/trust-system.ts';
import { changed } from './conformance-world.ts';
import type { ConformanceCase, Given, MadeRoot, World } from './conformance-world.ts';
import { forgeIdentity } from './forge.ts';
import type { Forgery } from './forge.ts';
import { bundleOf, putTimestamps, recordAllow } from './made-bundle.ts';
import type { MadeBundle } from './made-bundle.ts';
import { moveToken, rewriteToken } from './timestamp-token.ts';

/** Who signed, and when: certificates, timestamps, and the periods of the trust root. */

const hour = 3_600_000;
const day = 24 * hour;
const instant = (time: number): string => new Date(time).toISOString();

/** A bundle of a statement that was recorded so. */
const recordedWith =
  (options: (world: World) => RecordOptions | Promise<RecordOptions>) =>
  async (world: World): Promise<Given> => ({
    bundle: bundleOf(world.system, await recordAllow(world.system, await options(world))),
  });

const certifiedWith = (forgery: (world: World) => Forgery) =>
  recordedWith((world) => ({ identity: forgeIdentity(world.system, forgery(world)) }));

/** The good bundle under a trust root with a change. */
const trusting =
  (change: (root: MadeRoot, world: World) => void) =>
  (world: World): Given => {
    const trustedRoot = world.root();
    change(trustedRoot, world);
    return { bundle: world.fresh(), trustedRoot };
  };

/** The good bundle, stamped another time. */
const stamped = (token: (signature: Uint8Array, world: World) => Uint8Array | Promise<Uint8Array>) =>
  changed(async (bundle, world) =>
    putTimestamps(bundle, await token(world.recorded.signed.signature, world)),
  );

const tokenOf = ({ recorded }: World): Uint8Array => recorded.signed.timestamp;
const withoutCertificate = (token: Uint8Array): Uint8Array => rewriteToken(parseTimestampResponse(token));

/** A minute before anything of the trust system was valid, under a trust root that relies on it all the same. */
function stampedTooEarly(world: World): Given {
  const { system, recorded } = world;
  const early = system.keys.validFrom - 60_000;
  const response = parseTimestampResponse(recorded.signed.timestamp);
  const bundle: MadeBundle = world.fresh();
  putTimestamps(
    bundle,
    moveToken(response, [system.now, early], ecdsaSigner(system.keys.timestamp.privateKey)),
  );
  const trustedRoot = world.root();
  for (const authority of trustedRoot.timestampAuthorities) authority.validFor.start = instant(early - day);
  return { bundle, trustedRoot };
}

/** The trust root names another authority, whose period would do. */
function withOtherAuthority(root: MadeRoot, { elsewhere }: World): void {
  const { timestamp, timestampRoot } = elsewhere.keys;
  root.timestampAuthorities.push({
    uri: 'https://tsa.other.example',
    certChain: {
      certificates: [timestamp, timestampRoot].map(({ certificate }) => ({ rawBytes: base64(certificate) })),
    },
    validFor: { start: instant(0) },
  });
}

const endTimestamps = (root: MadeRoot, { system }: World): void => {
  for (const authority of root.timestampAuthorities)
    authority.validFor = { start: instant(0), end: instant(system.now - 1000) };
};

export const timeCases: readonly ConformanceCase[] = [
  {
    name: 'bundle-with-sct-with-extensions',
    about: 'a certificate log that puts an entry’s index into its extensions',
    make: certifiedWith(() => ({ sctExtensions: Uint8Array.of(0, 0, 5, 0, 0, 0, 0, 9) })),
    codes: [],
  },
  {
    name: 'sct-duplicate-intermediate-name',
    about: 'two certificate authorities of one name: the SCT is about the one that issued',
    make: trusting((root, { elsewhere }) => {
      const other = elsewhere.trustedRoot as unknown as MadeRoot;
      root.certificateAuthorities.unshift(...structuredClone(other.certificateAuthorities));
    }),
    codes: [],
  },
  {
    name: 'rekor2-timestamp-with-embedded-cert',
    about: 'the token carries the authority’s certificate',
    make: stamped((signature, { system }) => system.timestamps.stamp(signature, system.now)),
    codes: [],
  },
  {
    name: 'rekor2-timestamp-without-embedded-cert',
    about: 'the token does not',
    make: stamped((_, world) => withoutCertificate(tokenOf(world))),
    codes: [],
  },
  {
    name: 'rekor2-timestamp-with-expired-cert-chain',
    about: 'certificates that have long ended, and had not when they were used',
    make: async () => {
      const longAgo = await testTrustSystem(Date.UTC(1999, 11, 31));
      const trustedRoot = structuredClone(longAgo.trustedRoot) as unknown as MadeRoot;
      return { bundle: bundleOf(longAgo, await recordAllow(longAgo)), trustedRoot };
    },
    codes: [],
  },
  {
    name: 'trust-root-tlog-validity-end-inclusive',
    about: 'the log’s key ends in the very moment of the stamp',
    make: trusting((root, { system }) => {
      for (const { publicKey } of root.tlogs) publicKey.validFor.end = instant(stampOf(system.now));
    }),
    codes: [],
  },
  {
    name: 'trust-root-tsa-validity-end-inclusive',
    about: 'the timestamp authority ends in the very moment of its stamp',
    make: trusting((root, { system }) => {
      for (const { validFor } of root.timestampAuthorities) validFor.end = instant(stampOf(system.now));
    }),
    codes: [],
  },
  {
    name: 'invalid-ct-key_fail',
    about: 'the SCT is another certificate log’s',
    make: certifiedWith(({ elsewhere }) => ({ ctSigner: elsewhere.ctSigner })),
    codes: ['SCT_INVALID'],
  },
  {
    name: 'intoto-expired-certificate_fail',
    about: 'the authority’s period had ended when the certificate was used',
    make: trusting((root, { system }) => {
      for (const authority of root.certificateAuthorities)
        authority.validFor = { start: instant(0), end: instant(system.now - 1000) };
    }),
    codes: ['CERTIFICATE_EXPIRED'],
  },
  ...['intoto-tsa-timestamp-outside-cert-validity_fail', 'rekor2-timestamp-with-incorrect-time_fail'].map(
    (name) => ({
      name,
      about: 'stamped after the signing certificate’s end',
      make: stamped((signature, { system }) =>
        system.timestamps.stamp(signature, system.identity.notAfter + hour),
      ),
      codes: ['CERTIFICATE_EXPIRED' as const, 'TIME_CONTRADICTION' as const],
    }),
  ),
  {
    name: 'rekor2-multiple-timestamps-one-outside-cert-validity_fail',
    about: 'two stamps, one of them after the signing certificate’s end',
    make: changed(async (bundle, world) => {
      const { system, recorded } = world;
      const late = await system.timestamps.stamp(recorded.signed.signature, system.identity.notAfter + hour);
      putTimestamps(bundle, tokenOf(world), late);
    }),
    codes: ['TIMESTAMP_INVALID'],
  },
  {
    name: 'rekor2-no-timestamp_fail',
    about: 'no stamp: nobody vouches for the time',
    make: changed((bundle) => putTimestamps(bundle)),
    codes: ['TIMESTAMP_MISSING'],
  },
  {
    name: 'rekor2-timestamp-payload-mismatch_fail',
    about: 'a stamp on another signature',
    make: changed(async (bundle, { system }) =>
      putTimestamps(bundle, (await recordAllow(system)).signed.timestamp),
    ),
    codes: ['TIMESTAMP_INVALID'],
  },
  {
    name: 'rekor2-timestamp-untrusted-tsa-with-embedded-cert_fail',
    about: 'a stamp of an authority that the trust root does not have, its certificate beside it',
    make: stamped((signature, { elsewhere }) => elsewhere.timestamps.stamp(signature, elsewhere.now)),
    codes: ['TIMESTAMP_INVALID'],
  },
  {
    name: 'rekor2-timestamp-untrusted-tsa-without-embedded-cert_fail',
    about: 'the same, without its certificate',
    make: stamped(async (signature, { elsewhere }) =>
      withoutCertificate(await elsewhere.timestamps.stamp(signature, elsewhere.now)),
    ),
    codes: ['TIMESTAMP_INVALID'],
  },
  {
    name: 'rekor2-timestamp-outside-tsa-cert-validity_fail',
    about: 'stamped when the authority’s certificate was not valid',
    make: stampedTooEarly,
    codes: ['TIMESTAMP_INVALID'],
  },
  {
    name: 'rekor2-timestamp-outside-trust-root-tsa-validity_fail',
    about: 'stamped when the trust root did not rely on the authority',
    make: trusting(endTimestamps),
    codes: ['TIMESTAMP_INVALID'],
  },
  {
    name: 'rekor2-timestamp-wrong-tsa-validity-borrow_fail',
    about: 'the same, and the period of another authority would do',
    make: trusting((root, world) => {
      endTimestamps(root, world);
      withOtherAuthority(root, world);
    }),
    codes: ['TIMESTAMP_INVALID'],
  },
  {
    name: 'trust-root-tlog-missing-validity-start_fail',
    about: 'a log key without a beginning',
    make: trusting((root) => {
      for (const { publicKey } of root.tlogs) delete publicKey.validFor.start;
    }),
    codes: ['CONFIG_INVALID'],
  },
];

/** A stamp's time is in whole seconds. */
function stampOf(time: number): number {
  return Math.floor(time / 1000) * 1000;
}
