import type { Clock } from '../../../src/gate/parts.ts';
import type { EnrolledCertificate, EnrolmentRequest } from '../../../src/gateway/http/enrolment.ts';
import type { Evidence } from '../../../src/identity/evidence.ts';
import type { Credentials } from '../../../src/identity/principal.ts';
import { writeCertificateRequest } from '../../../src/pki/certificate-request.ts';
import { parseCertificate } from '../../../src/pki/parse-certificate.ts';
import { parsePem, toPem } from '../../../src/pki/parse-pem.ts';
import { generateEcdsaKey } from '../../../src/pki/signer-node.ts';
import type { Signer } from '../../../src/pki/signer.ts';
import { openEnrolment } from '../../../src/runtime/enrol/home-enrolment.ts';
import { homeAuthenticator, openGovernance, type Governance } from '../../../src/runtime/home/governance.ts';
import type { Home } from '../../../src/runtime/home/open-home.ts';
import { withHome } from '../../../src/runtime/home/with-home.ts';

export const hour = 3_600_000;

/** One gate of a home, as far as it enrols. */
export interface EnrollingGate extends AsyncDisposable {
  readonly governance: Governance;
  enrol(request: EnrolmentRequest, credentials?: Credentials): Promise<EnrolledCertificate>;
}

export interface EnrollingOptions {
  readonly evidence?: Evidence;
  readonly lifetime?: number;
  readonly now?: () => number;
  /** Put before each statement: a crash there, or somebody who is faster. */
  readonly beforeRecord?: () => Promise<void> | void;
  /** The same behind it. */
  readonly afterRecord?: () => void;
}

export async function enrollingGate(home: Home, options: EnrollingOptions = {}): Promise<EnrollingGate> {
  const { evidence = {}, lifetime = hour, now = Date.now, beforeRecord, afterRecord } = options;
  const governance = await openGovernance(home, homeAuthenticator(home), { write: () => undefined });
  const clock: Clock = { now, monotonic: () => performance.now() };
  const { desk, close } = openEnrolment({
    home,
    parts: { ...governance.gateParts, clock },
    async recordChange(change) {
      await beforeRecord?.();
      const proof = await governance.recordChange(change);
      afterRecord?.();
      return proof;
    },
    evidence,
    lifetime,
  });
  return {
    governance,
    enrol: (request, credentials = { apiKey: undefined }) => desk.enrol(request, credentials),
    async [Symbol.asyncDispose]() {
      await close();
      await governance.close();
    },
  };
}

export async function csrOf(signer: Signer = generateEcdsaKey().signer): Promise<string> {
  return toPem('CERTIFICATE REQUEST', await writeCertificateRequest(signer));
}

export function derOf(pem: string): Uint8Array {
  return parsePem(pem)?.[0]?.der ?? new Uint8Array();
}

export function agentIn(certificate: string): string | undefined {
  return parseCertificate(derOf(certificate)).san?.uris[0];
}

/** What a connection shows whose client has this certificate's key. */
export function over(certificate: string): Credentials {
  return { apiKey: undefined, peer: { certificate: derOf(certificate), chain: [] } };
}

export interface LoggedChange {
  readonly kind: string;
  readonly [name: string]: unknown;
}

/** The changes that the log states, in order, but those of before. */
export function changesOf(home: Home): Promise<readonly LoggedChange[]> {
  return withHome(home, async ({ ledger }) => {
    const entries = await ledger.entries(0, 1_000);
    return entries
      .filter(({ kind }) => kind === 'change')
      .map(
        ({ payload }) =>
          JSON.parse(new TextDecoder().decode(payload)) as { predicate: { change: LoggedChange } },
      )
      .map(({ predicate }) => predicate.change);
  });
}
