import { createPrivateKey } from 'node:crypto';
import { equalBytes } from '../../call/bytes.ts';
import { readAtMost } from '../../call/read-at-most.ts';
import { fromUtf8, utf8 } from '../../call/sha256.ts';
import { CountersignError } from '../../errors.ts';
import { enrolmentPath } from '../../gateway/http/enrolment.ts';
import { writeCertificateRequest } from '../../pki/certificate-request.ts';
import { parseCertificate } from '../../pki/parse-certificate.ts';
import { parsePem, toPem } from '../../pki/parse-pem.ts';
import { ecdsaSigner, generateEcdsaKey } from '../../pki/signer-node.ts';
import type { GateAddress } from '../connect/gate-address.ts';
import { noAnswer, refusalOf } from '../connect/gate-answer.ts';
import { createSend } from '../connect/node-fetch.ts';
import {
  identityIn,
  pendingKey,
  validIdentityIn,
  writeIdentity,
  type ClientIdentity,
} from './identity-folder.ts';

export interface IdentityRequest {
  readonly gate: GateAddress;
  /** Authorities that are believed of the gate, PEM, in place of those that Node knows. */
  readonly ca?: string | undefined;
  /** Where the identity is kept. */
  readonly folder: string;
}

/** How a workload says who it is when it has no certificate that is still valid. */
export type EnrolmentToken = { readonly joinToken: string } | { readonly workloadToken: string };

/** A gate signs at once, or not at all. Milliseconds. */
const answersWithin = 30_000;
const maxAnswer = 65_536;

/**
 * Has a new key certified, by a token, and keeps both. The private key does not leave this machine. When the answer is lost, the same
 * request again gets the same certificate. Rejects with what the gate says, GATE_UNREACHABLE, GATE_ANSWER_INVALID or CONFIG_INVALID.
 */
export async function enrolByToken(request: IdentityRequest, token: EnrolmentToken): Promise<ClientIdentity> {
  const key = pendingKey(request.folder, () => generateEcdsaKey().pem);
  return obtain(request, key, token);
}

/** The same by the certificate that is still valid: CERTIFICATE_EXPIRED otherwise. It stays in its place until the new one is there. */
export async function renewIdentity(request: IdentityRequest): Promise<ClientIdentity> {
  if (!request.gate.base.startsWith('https:'))
    throw new CountersignError(
      'USAGE',
      'A certificate is shown over TLS: renewing needs a gate at https://….',
    );
  return obtain(request, generateEcdsaKey().pem, {}, validIdentityIn(request.folder));
}

async function obtain(
  { gate, ca, folder }: IdentityRequest,
  privateKey: string,
  token: Partial<Record<'joinToken' | 'workloadToken', string>>,
  identity?: () => ClientIdentity,
): Promise<ClientIdentity> {
  const signer = ecdsaSigner(privateKey);
  const csr = toPem('CERTIFICATE REQUEST', await writeCertificateRequest(signer));
  const send = createSend({ socketPath: gate.socketPath, ca, identity });
  const answer = await ask(() =>
    send(gate.base + enrolmentPath, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'application/json' },
      body: utf8(JSON.stringify({ csr, ...token })),
      signal: AbortSignal.timeout(answersWithin),
    }),
  );
  assertCertifies(answer.certificate, signer.publicKey);
  const pem = createPrivateKey(privateKey).export({ type: 'pkcs8', format: 'pem' }).toString();
  writeIdentity(folder, { privateKey: pem, ...answer });
  return identityIn(folder)();
}

interface Answer {
  readonly certificate: string;
  readonly authority: string;
}

async function ask(send: () => Promise<Response>): Promise<Answer> {
  let response: Response;
  let body: Uint8Array | undefined;
  try {
    response = await send();
    body = await readAtMost(response.body, maxAnswer);
  } catch (error) {
    throw noAnswer(error);
  }
  if (body === undefined) throw unusable('it is too long');
  if (!response.ok) throw refusalOf(response.status, body);
  return readAnswer(body);
}

function readAnswer(body: Uint8Array): Answer {
  let answer: Partial<Record<keyof Answer, unknown>> | null;
  try {
    answer = JSON.parse(fromUtf8(body) ?? '') as typeof answer;
  } catch {
    throw unusable('it is no JSON');
  }
  const { certificate, authority } = answer ?? {};
  if (!isOneCertificate(certificate) || !isOneCertificate(authority))
    throw unusable('it has no certificates');
  return { certificate, authority };
}

function isOneCertificate(text: unknown): text is string {
  if (typeof text !== 'string') return false;
  const [block, ...more] = parsePem(text) ?? [];
  return block?.label === 'CERTIFICATE' && more.length === 0;
}

/** What could not be used would take the place of what can. */
function assertCertifies(certificate: string, publicKey: Uint8Array): void {
  const [block] = parsePem(certificate) ?? [];
  const { spki, notAfter, san } = parse(block?.der ?? new Uint8Array());
  if (!equalBytes(spki, publicKey)) throw unusable('the certificate is of another key');
  if (san?.uris.length !== 1) throw unusable('the certificate names no agent');
  if (notAfter <= Date.now())
    throw unusable('the certificate has ended already: the clock of the gate, or of this machine, is wrong');
}

function parse(der: Uint8Array): ReturnType<typeof parseCertificate> {
  try {
    return parseCertificate(der);
  } catch {
    throw unusable('the certificate cannot be read');
  }
}

function unusable(why: string): CountersignError {
  return new CountersignError('GATE_ANSWER_INVALID', `The gate’s answer cannot be used: ${why}.`);
}
