import type { Clock, NotaryParts } from '../../gate/parts.ts';
import { CountersignError } from '../../errors.ts';
import { createIdentityKeeper, defaultLeafLifetime } from '../../pki/identity-keeper.ts';
import { issueLeaf } from '../../pki/leaf.ts';
import { generateEcdsaKey } from '../../pki/signer-node.ts';
import type { SigningIdentity } from '../../pki/signer.ts';
import { systemClock } from '../clock.ts';
import type { HomeLedger } from './home-ledger.ts';
import type { Home } from './open-home.ts';
import { signingKeysOf, type SigningKeys } from '../keys/signing-keys.ts';

/** Certificates start this long before they are issued, as whole seconds are all they can say. */
const startsEarlierMs = 1_000;

export interface HomeNotary extends NotaryParts {
  /** Opens the home's keys now instead of with the first statement, so that what is wrong with them shows at the start. */
  openKeys(): void;
}

/**
 * What signs and records in the name of a home. The gate's key is made here and never leaves this process. The home's keys are read
 * again at each renewal of its certificate: what was rotated meanwhile is in use from then on.
 */
export function openNotary(
  home: Home,
  { ledger, logKeyId }: Pick<HomeLedger, 'ledger' | 'logKeyId'>,
  clock: Clock = systemClock,
): HomeNotary {
  const open = signingKeysOf(home);
  let keys: SigningKeys | undefined;

  const issue = async (now: number): Promise<SigningIdentity> => {
    keys = open();
    const { ca, ct, validFor } = keys;
    if (now < validFor.start || now > validFor.end) throw ended();
    const { signer } = generateEcdsaKey();
    const notBefore = now - startsEarlierMs;
    // What is signed after the end of one of its keys would be refused by every verifier.
    const notAfter = Math.min(notBefore + defaultLeafLifetime, validFor.end);
    const certificate = await issueLeaf({
      caSigner: ca.signer,
      caCertificate: ca.certificate,
      ctSigner: ct,
      spiffeUri: gateIdentity(home),
      issuerUrl: home.config.issuerUrl,
      publicKey: signer.publicKey,
      notBefore,
      notAfter,
      now,
    });
    return { signer, certificate, issuer: ca.certificate, notBefore, notAfter };
  };

  return {
    ledger,
    identity: createIdentityKeeper({ issue }),
    timestamps: { stamp: (message, time) => (keys ??= open()).timestamps.stamp(message, time) },
    logKeyId,
    clock,
    openKeys: () => void (keys ??= open()),
  };
}

function ended(): CountersignError {
  return new CountersignError(
    'CERTIFICATE_NOT_VALID',
    'The trust root of this home says that its keys are not valid now: they were rotated elsewhere, or the clock is wrong.',
  );
}

/** The one name in every signing certificate of a home. */
export function gateIdentity({ config }: Home): string {
  return `spiffe://${config.trustDomain}/gate/${config.gate}`;
}
