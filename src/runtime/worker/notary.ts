import { CountersignError } from '../../errors.ts';
import type { NotaryParts } from '../../gate/parts.ts';
import { createIdentityKeeper, defaultLeafLifetime } from '../../pki/identity-keeper.ts';
import { issueLeaf } from '../../pki/leaf.ts';
import { generateWebEcdsaKey, webEcdsaSigner } from '../../pki/signer-web.ts';
import type { SigningIdentity } from '../../pki/signer.ts';
import { createTimestampAuthority } from '../../pki/timestamp.ts';
import { systemClock } from '../clock.ts';
import { certificateOf, periodOfLog } from '../keys/trusted-keys.ts';
import type { WorkerLog } from './open-log.ts';
import type { WorkerSecrets } from './secrets.ts';

/** Certificates start this long before they are issued, as whole seconds are all they can say. */
const startsEarlierMs = 1_000;

/**
 * What signs and records in the name of the home that the secrets were made of. The gate's key is made here and never leaves the
 * object. CONFIG_INVALID when the trust root does not name the keys.
 */
export async function openWorkerNotary(
  { home, keys }: Pick<WorkerSecrets, 'home' | 'keys'>,
  { ledger, logKeyId }: Pick<WorkerLog, 'ledger' | 'logKeyId'>,
): Promise<NotaryParts> {
  const { trustedRoot, trustDomain, gate, issuerUrl } = home;
  const [issuing, timestamp, ct] = await Promise.all([
    webEcdsaSigner(keys.issuing),
    webEcdsaSigner(keys.timestamp),
    webEcdsaSigner(keys.ct),
  ]);
  const ca = certificateOf(trustedRoot.certificateAuthorities, issuing.publicKey);
  const tsa = certificateOf(trustedRoot.timestampAuthorities, timestamp.publicKey);
  const ctValidFor = periodOfLog(trustedRoot.ctlogs, ct.publicKey);
  if (ca === undefined || tsa === undefined || ctValidFor === undefined)
    throw new CountersignError('CONFIG_INVALID', 'The trust root does not name the keys of this Worker.');
  const periods = [ca.validFor, tsa.validFor, ctValidFor];
  const start = Math.max(...periods.map((period) => period.start));
  const end = Math.min(...periods.map((period) => period.end));

  const issue = async (now: number): Promise<SigningIdentity> => {
    if (now < start || now > end)
      throw new CountersignError('CERTIFICATE_NOT_VALID', 'The keys of this Worker are not valid now.');
    const signer = await generateWebEcdsaKey();
    const notBefore = now - startsEarlierMs;
    // What is signed after the end of one of its keys would be refused by every verifier.
    const notAfter = Math.min(notBefore + defaultLeafLifetime, end);
    const certificate = await issueLeaf({
      caSigner: issuing,
      caCertificate: ca.der,
      ctSigner: ct,
      spiffeUri: `spiffe://${trustDomain}/gate/${gate}`,
      issuerUrl,
      publicKey: signer.publicKey,
      notBefore,
      notAfter,
      now,
    });
    return { signer, certificate, issuer: ca.der, notBefore, notAfter };
  };

  return {
    ledger,
    identity: createIdentityKeeper({ issue }),
    timestamps: createTimestampAuthority({ signer: timestamp, certificate: tsa.der }),
    logKeyId,
    clock: systemClock,
  };
}
