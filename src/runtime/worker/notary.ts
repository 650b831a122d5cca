import { CountersignError } from '../../errors.ts';
import type { NotaryParts } from '../../gate/parts.ts';
import { createIdentityKeeper } from '../../pki/identity-keeper.ts';
import { generateWebEcdsaKey, webEcdsaSigner } from '../../pki/signer-web.ts';
import { createTimestampAuthority } from '../../pki/timestamp.ts';
import { systemClock } from '../clock.ts';
import { issueGateCertificate } from '../keys/gate-certificate.ts';
import { certificateOf, periodOfLog } from '../keys/trusted-keys.ts';
import type { WorkerLog } from './open-log.ts';
import type { WorkerSecrets } from './secrets.ts';

/**
 * What signs and records in the name of the home that the secrets were made of. The gate's key is made here and never leaves the
 * object. CONFIG_INVALID when the trust root does not name the keys.
 */
export async function openWorkerNotary(
  { home, keys }: Pick<WorkerSecrets, 'home' | 'keys'>,
  { ledger, logKeyId }: Pick<WorkerLog, 'ledger' | 'logKeyId'>,
): Promise<NotaryParts> {
  const { trustedRoot } = home;
  const [issuing, timestamp, ct] = await Promise.all([
    webEcdsaSigner(keys.issuing),
    webEcdsaSigner(keys.timestamp),
    webEcdsaSigner(keys.ct),
  ]);
  const authority = certificateOf(trustedRoot.certificateAuthorities, issuing.publicKey);
  const tsa = certificateOf(trustedRoot.timestampAuthorities, timestamp.publicKey);
  const ctValidFor = periodOfLog(trustedRoot.ctlogs, ct.publicKey);
  if (authority === undefined || tsa === undefined || ctValidFor === undefined)
    throw new CountersignError('CONFIG_INVALID', 'The trust root does not name the keys of this Worker.');
  const periods = [authority.validFor, tsa.validFor, ctValidFor];
  const request = {
    name: home,
    ca: { signer: issuing, certificate: authority.der },
    ct,
    validFor: {
      start: Math.max(...periods.map(({ start }) => start)),
      end: Math.min(...periods.map(({ end }) => end)),
    },
    newKey: generateWebEcdsaKey,
  };

  return {
    ledger,
    identity: createIdentityKeeper({ issue: (now) => issueGateCertificate(request, now) }),
    timestamps: createTimestampAuthority({ signer: timestamp, certificate: tsa.der }),
    logKeyId,
    clock: systemClock,
  };
}
