import { testTrustSystem } from '../../support/trust-system.ts';
import { callCases } from './call-cases.ts';
import { ed25519Cases, gateKeyCases, logKeyCases, p256Cases } from './key-cases.ts';
import { mutantCases } from './mutant-cases.ts';
import type { Cases } from './subject.ts';
import { textCases } from './text-cases.ts';
import { vectorCases } from './vector-cases.ts';
import { wycheproofCases } from './wycheproof-cases.ts';

/** Everything that every runtime is asked. */
export async function makeCases(): Promise<Cases> {
  const system = await testTrustSystem();
  return {
    reports: [
      ...vectorCases(),
      ...(await callCases(system)),
      ...(await textCases(system)),
      ...(await logKeyCases(system)),
      ...(await gateKeyCases(system)),
      ...(await mutantCases(system, 120)),
    ],
    signatures: [...ed25519Cases(), ...p256Cases(), ...wycheproofCases()],
  };
}
