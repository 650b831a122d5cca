import { readFileSync } from 'node:fs';
import type { NotaryParts } from '../gate/parts.ts';
import { fromBase64 } from '../call/sha256.ts';
import { CountersignError } from '../errors.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { createIdentityKeeper, defaultLeafLifetime } from '../pki/identity-keeper.ts';
import { issueLeaf } from '../pki/leaf.ts';
import { ecdsaSigner, ed25519Signer, generateEcdsaKey } from '../pki/signer-node.ts';
import type { SigningIdentity } from '../pki/signer.ts';
import { createTimestampAuthority } from '../pki/timestamp.ts';
import type { TrustedRootJson } from '../pki/trusted-root.ts';
import { systemClock } from './clock.ts';
import { logKeyIdOf } from './home-ledger.ts';
import { readKey, type Home } from './open-home.ts';

/** Certificates start this long before they are issued, as whole seconds are all they can say. */
const startsEarlierMs = 1_000;

/** What signs and records in the name of a home. The signing key is made here and never leaves this process. */
export function openNotary(home: Home, ledger: Ledger): NotaryParts {
  const { issuing, timestamp } = readCertificates(home);
  const caSigner = ecdsaSigner(readKey(home, 'issuing'));
  const ctSigner = ecdsaSigner(readKey(home, 'ct'));

  const issue = async (now: number): Promise<SigningIdentity> => {
    const { signer } = generateEcdsaKey();
    const notBefore = now - startsEarlierMs;
    const notAfter = notBefore + defaultLeafLifetime;
    const certificate = await issueLeaf({
      caSigner,
      caCertificate: issuing,
      ctSigner,
      spiffeUri: gateIdentity(home),
      issuerUrl: home.config.issuerUrl,
      publicKey: signer.publicKey,
      notBefore,
      notAfter,
      now,
    });
    return { signer, certificate, issuer: issuing, notBefore, notAfter };
  };

  return {
    ledger,
    identity: createIdentityKeeper({ issue }),
    timestamps: createTimestampAuthority({
      signer: ecdsaSigner(readKey(home, 'timestamp')),
      certificate: timestamp,
    }),
    logKeyId: logKeyIdOf(home.config.origin, ed25519Signer(readKey(home, 'log'))),
    clock: systemClock,
  };
}

/** The one name in every signing certificate of a home. */
export function gateIdentity({ config }: Home): string {
  return `spiffe://${config.trustDomain}/gate/${config.gate}`;
}

/** The certificate that a bundle carries beside the signing one, DER. */
export function issuingCertificate(home: Home): Uint8Array {
  return readCertificates(home).issuing;
}

function readCertificates({ layout }: Home): {
  readonly issuing: Uint8Array;
  readonly timestamp: Uint8Array;
} {
  let root: Partial<TrustedRootJson>;
  try {
    root = JSON.parse(readFileSync(layout.trustedRoot, 'utf8')) as TrustedRootJson;
  } catch (error) {
    throw new CountersignError('HOME_INVALID', `${layout.trustedRoot} cannot be read as JSON.`, {
      cause: error,
    });
  }
  const first = (chains: TrustedRootJson['certificateAuthorities'] | undefined): Uint8Array => {
    const der = fromBase64(chains?.[0]?.certChain.certificates[0]?.rawBytes ?? '');
    if (!der?.length) {
      throw new CountersignError(
        'HOME_INVALID',
        `${layout.trustedRoot} lacks a certificate that this home needs.`,
      );
    }
    return der;
  };
  return { issuing: first(root.certificateAuthorities), timestamp: first(root.timestampAuthorities) };
}
