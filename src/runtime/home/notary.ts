import type { Clock, NotaryParts } from '../../gate/parts.ts';
import { createIdentityKeeper } from '../../pki/identity-keeper.ts';
import { generateEcdsaKey } from '../../pki/signer-node.ts';
import { systemClock } from '../clock.ts';
import { issueGateCertificate } from '../keys/gate-certificate.ts';
import { signingKeysOf, type SigningKeys } from '../keys/signing-keys.ts';
import type { HomeLedger } from './home-ledger.ts';
import type { Home } from './open-home.ts';

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
  const newKey = () => generateEcdsaKey().signer;
  let keys: SigningKeys | undefined;

  return {
    ledger,
    identity: createIdentityKeeper({
      async issue(now) {
        keys = open();
        return issueGateCertificate({ name: home.config, ...keys, newKey }, now);
      },
    }),
    timestamps: { stamp: (message, time) => (keys ??= open()).timestamps.stamp(message, time) },
    logKeyId,
    clock,
    openKeys: () => void (keys ??= open()),
  };
}
