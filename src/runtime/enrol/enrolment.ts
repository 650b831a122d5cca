import { equalBytes } from '../../call/bytes.ts';
import { base64, hex, sha256 } from '../../call/sha256.ts';
import { CountersignError, toCountersignError } from '../../errors.ts';
import type { RecordChange } from '../../gate/changes.ts';
import type { Clock } from '../../gate/parts.ts';
import { epochKey } from '../../gate/revocation-heads.ts';
import type { EnrolledCertificate, EnrolmentDesk, EnrolmentRequest } from '../../gateway/http/enrolment.ts';
import type { PresentedCertificate } from '../../identity/possession/forwarded-certificate.ts';
import type { CertificateVerifier } from '../../identity/possession/possession.ts';
import type { Credentials } from '../../identity/principal.ts';
import type { RevocationState } from '../../identity/revocation/revocation.ts';
import { agentRevokedBy } from '../../identity/revocation/revoked-by.ts';
import type { Ledger } from '../../ledger/ledger.ts';
import type { ReasonCode } from '../../names.ts';
import { readCertificateRequest, type CertificateRequest } from '../../pki/parse-certificate-request.ts';
import { parseCertificate } from '../../pki/parse-certificate.ts';
import { toPem } from '../../pki/parse-pem.ts';
import { issueWorkloadCertificate } from '../../pki/workload-certificate.ts';
import { isAgentOf } from './agent-of-home.ts';
import { findJoinToken, used, usedToken, type FoundToken } from './join-tokens.ts';
import { announceWorkloadAuthority, type WorkloadAuthority } from './workload-authority.ts';

/** Whom a workload's own token speaks of, once it was verified. */
export interface EnrolledWorkload {
  /** SPIFFE ID. */
  readonly agent: string;
  readonly issuer: string;
}

export interface EnrolmentParts {
  readonly ledger: Pick<Ledger, 'heads'>;
  readonly recordChange: RecordChange;
  readonly clock: Pick<Clock, 'now'>;
  /** Whose agents are certified. */
  readonly trustDomain: string;
  /** Undefined while the home has none: then nobody is enrolled. */
  readonly authority: () => WorkloadAuthority | undefined;
  /** Whose a certificate of that authority is, and of no other: no other authority's agents are renewed here. */
  readonly verifierOf: (authority: WorkloadAuthority) => CertificateVerifier;
  /** The certificate of a request's connection, or of one that a trusted proxy speaks for. */
  readonly shownWith: (credentials: Credentials) => PresentedCertificate | undefined;
  /** Verifies a workload's token, or rejects with an AGENT_… code. Absent where no issuer of them is configured. */
  readonly verifyWorkload?:
    | ((token: string, credentials: Credentials, now: number) => Promise<EnrolledWorkload>)
    | undefined;
  /** What is revoked, as it is now. */
  readonly revocations: () => Promise<RevocationState>;
  /** Milliseconds that a certificate lives. */
  readonly lifetime: number;
  /** Told of each refusal, as nobody was authenticated. */
  readonly onRefused: (code: ReasonCode) => void;
}

/** Requests at a time. Whoever has no key must not cost more than this. */
const maxAtATime = 16;

/** Certificates start a little before they are issued, for gates whose clocks are a little behind. */
const startsEarlierMs = 30_000;

/**
 * Issues certificates to agents. What is asked for decides nothing: the certificate names whom token or former certificate speaks of.
 * The statement that it was issued is durable before anybody gets it.
 */
export function createEnrolmentDesk(parts: EnrolmentParts): EnrolmentDesk {
  let running = 0;
  return {
    async enrol(request, credentials) {
      try {
        if (running >= maxAtATime) throw busy();
        running += 1;
        try {
          return await enrol(parts, request, credentials);
        } finally {
          running -= 1;
        }
      } catch (error) {
        parts.onRefused(toCountersignError(error, 'INTERNAL', '').code);
        throw error;
      }
    },
  };
}

/** Tries of one request whose ledger was moved on by others. */
const maxTries = 8;

async function enrol(
  parts: EnrolmentParts,
  request: EnrolmentRequest,
  credentials: Credentials,
): Promise<EnrolledCertificate> {
  const authority = parts.authority();
  if (authority === undefined) throw noAuthority();
  const csr = await readCertificateRequest(request.csr);
  for (let tries = 1; ; tries += 1) {
    try {
      return await issue(parts, authority, csr, await identify(parts, authority, request, credentials));
    } catch (error) {
      const moved = error instanceof CountersignError && error.code === 'LEDGER_CONFLICT';
      if (!moved || tries === maxTries) throw error;
    }
  }
}

/** For whom the certificate is, and what says so. */
interface Applicant {
  readonly agent: string;
  readonly by: Readonly<Record<string, string>> & {
    readonly kind: 'join-token' | 'workload-token' | 'renewal';
  };
  readonly token?: FoundToken;
}

async function identify(
  { ledger, clock, verifyWorkload, verifierOf, shownWith }: EnrolmentParts,
  authority: WorkloadAuthority,
  { joinToken, workloadToken }: EnrolmentRequest,
  credentials: Credentials,
): Promise<Applicant> {
  const now = clock.now();
  if (joinToken !== undefined) {
    const token = await findJoinToken(ledger, authority.tokenKey, joinToken, now);
    return { agent: token.token.agent, by: { kind: 'join-token', id: token.token.id }, token };
  }
  if (workloadToken !== undefined) {
    if (verifyWorkload === undefined) throw noIssuer();
    const { agent, issuer } = await verifyWorkload(workloadToken, credentials, now);
    return { agent, by: { kind: 'workload-token', issuer } };
  }
  const shown = shownWith(credentials);
  if (shown === undefined) throw noProof();
  const { holder } = await verifierOf(authority).verify(shown.certificate, shown.chain, now);
  const serial = hex(parseCertificate(shown.certificate).serial);
  return { agent: holder.id, by: { kind: 'renewal', serial } };
}

async function issue(
  { clock, recordChange, ledger, trustDomain, lifetime, revocations }: EnrolmentParts,
  authority: WorkloadAuthority,
  csr: CertificateRequest,
  { agent, by, token }: Applicant,
): Promise<EnrolledCertificate> {
  if (!isAgentOf(agent, trustDomain)) throw stranger(agent, trustDomain);
  assertAsksForNobodyElse(csr, agent);
  const { epoch } = assertNotRevoked(await revocations(), agent);
  if (token?.certificate !== undefined) {
    // Whose answer was lost asks again with the same key, and gets what was issued then. To everybody else the token is used.
    const { spki, notAfter } = parseCertificate(token.certificate);
    if (!equalBytes(spki, csr.spki) || clock.now() >= notAfter) throw used(token.token);
    return handOut(authority, token.certificate);
  }
  await announceWorkloadAuthority({ ledger, recordChange }, authority.certificate);
  const now = clock.now();
  const certificate = await issueWorkloadCertificate({
    authority,
    spiffeId: agent,
    publicKey: csr.spki,
    notBefore: now - Math.min(startsEarlierMs, lifetime / 10),
    notAfter: now + lifetime,
  });
  const { serial, notBefore, notAfter } = parseCertificate(certificate);
  // A crash before it is durable: nothing was issued, and the token is unused. A crash after it: the log says more than anybody
  // has, and whoever asks again with the same token and key gets it.
  await recordChange({
    change: {
      kind: 'agent-certificate-issued',
      agent,
      serial: hex(serial),
      certificate: { digest: { sha256: hex(sha256(certificate)) } },
      publicKey: { digest: { sha256: hex(sha256(csr.spki)) } },
      notBefore: new Date(notBefore).toISOString(),
      notAfter: new Date(notAfter).toISOString(),
      by: { ...by },
    },
    expects: [{ key: epochKey, value: epoch }, ...(token ? [token.expects] : [])],
    sets: token ? [usedToken(token, base64(certificate))] : [],
  });
  return handOut(authority, certificate);
}

function handOut(authority: WorkloadAuthority, certificate: Uint8Array): EnrolledCertificate {
  return {
    certificate: toPem('CERTIFICATE', certificate),
    authority: toPem('CERTIFICATE', authority.certificate),
    notAfter: parseCertificate(certificate).notAfter,
  };
}

function assertNotRevoked(state: RevocationState, agent: string): RevocationState {
  const refusal = agentRevokedBy(state, agent);
  if (refusal === undefined) return state;
  throw new CountersignError(refusal.code, `No certificate is issued: ${refusal.message}`);
}

/** Names in a request count for nothing. One that says another agent is a mistake, or an attempt, and is told so. */
function assertAsksForNobodyElse({ san }: CertificateRequest, agent: string): void {
  if ((san?.uris ?? []).every((uri) => uri === agent)) return;
  throw new CountersignError(
    'CERTIFICATE_REQUEST_INVALID',
    `The certificate request asks for another name than ${agent}, which is who you are. Leave the names out.`,
  );
}

function stranger(agent: string, trustDomain: string): CountersignError {
  return new CountersignError(
    'AGENT_REFUSED',
    `This gate certifies agents under spiffe://${trustDomain}/agent/ and not ${agent}.`,
  );
}

function busy(): CountersignError {
  return new CountersignError('GATE_BUSY', 'Too many ask for certificates at a time: try again.');
}

function noAuthority(): CountersignError {
  return new CountersignError(
    'NOT_FOUND',
    'This gate certifies no agents. Whoever runs it can change that with: countersign enroll authority',
  );
}

function noIssuer(): CountersignError {
  return new CountersignError(
    'AGENT_TOKEN_ISSUER_UNKNOWN',
    'No issuer of workloads’ tokens is configured at this gate.',
  );
}

function noProof(): CountersignError {
  return new CountersignError(
    'AGENT_PROOF_MISSING',
    'Say who you are: with a join token, a workload’s token, or over TLS with a certificate of this gate’s.',
  );
}
