import { CountersignError } from '../../errors.ts';
import type { RecordChange } from '../../gate/changes.ts';
import type { SharedGateParts } from '../../gate/parts.ts';
import { createRefusals } from '../../gate/refusals.ts';
import type { EnrolmentDesk } from '../../gateway/http/enrolment.ts';
import { agentIdOf } from '../../identity/agent-id.ts';
import type { Evidence } from '../../identity/evidence.ts';
import { presentedCertificate } from '../../identity/possession/forwarded-certificate.ts';
import type { Home } from '../home/open-home.ts';
import { createEnrolmentDesk, type EnrolmentParts } from './enrolment.ts';
import { enrolledVerifier } from './trust-enrolled.ts';
import { workloadAuthorityOf } from './workload-authority.ts';

export interface HomeEnrolmentOptions {
  readonly home: Home;
  readonly parts: Omit<SharedGateParts, 'policy' | 'authenticator'>;
  readonly recordChange: RecordChange;
  /** Who is believed of workloads' own tokens, and of proxies. */
  readonly evidence: Evidence;
  /** Milliseconds that certificates live. */
  readonly lifetime: number;
}

export interface HomeEnrolment {
  readonly desk: EnrolmentDesk;
  /** Signs what was refused and not yet said. */
  readonly close: () => Promise<void>;
}

/** Enrolment at a gate of this home. */
export function openEnrolment({
  home,
  parts,
  recordChange,
  evidence,
  lifetime,
}: HomeEnrolmentOptions): HomeEnrolment {
  const { ledger, clock, revocations } = parts;
  const refusals = createRefusals(parts);
  const verifiers = new WeakMap<Uint8Array, ReturnType<typeof enrolledVerifier>>();
  return {
    desk: createEnrolmentDesk({
      ledger,
      recordChange,
      clock,
      trustDomain: home.config.trustDomain,
      authority: workloadAuthorityOf(home),
      verifierOf({ certificate }) {
        const verifier = verifiers.get(certificate) ?? enrolledVerifier(home.config, certificate);
        verifiers.set(certificate, verifier);
        return verifier;
      },
      shownWith: ({ peer }) => peer && presentedCertificate(peer, evidence.network),
      verifyWorkload: workloadVerifier(home, evidence),
      revocations: () => revocations.latest(),
      lifetime,
      onRefused: refusals.count,
    }),
    close: () => refusals.flush(),
  };
}

/** The authority names agents without a tenant, so it certifies none of another tenant than the home's. */
function workloadVerifier(
  { config: { trustDomain, tenant } }: Home,
  { agents, network }: Evidence,
): EnrolmentParts['verifyWorkload'] {
  if (agents === undefined) return undefined;
  return async (token, { peer, agentProof }, now) => {
    const shown = peer && presentedCertificate(peer, network);
    const { value } = await agents.verify(token, tenant, now, { ...shown, proof: agentProof });
    if (value.tenant !== tenant) throw strange();
    return { agent: agentIdOf(value.name, trustDomain), issuer: value.issuer };
  };
}

function strange(): CountersignError {
  return new CountersignError(
    'AGENT_TENANT_REFUSED',
    'The workload belongs to another tenant than those whom this gate certifies.',
  );
}
