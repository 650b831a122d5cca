import { equalBytes, hex, sha256 } from '../call/sha256.ts';
import { CountersignError } from '../errors.ts';
import { oids } from '../pki/oids.ts';
import { precertificateTbs } from '../pki/parse-certificate.ts';
import type { Certificate } from '../pki/parse-certificate.ts';
import { parseSctList, sctSigningInput } from '../pki/parse-sct.ts';
import type { SignedCertificateTimestamp } from '../pki/parse-sct.ts';
import type { Bundle } from './bundle.ts';
import { certificateKey, isIssuedBy, isValidAt, readCertificate, wrongProfile } from './certificate.ts';
import { attempt, fail } from './codes.ts';
import type { Failure } from './codes.ts';
import { verifySignature } from './crypto.ts';
import type { VerifyKey } from './crypto.ts';
import { clockTolerance, limits } from './limits.ts';
import { isWithin } from './trust.ts';
import type { Authority, Log, Trust } from './trust.ts';

/** A signing certificate that chains to the trust root. Whether it was valid when it signed is `requireValidAt`. */
export interface Signer {
  readonly certificate: Certificate;
  readonly key: VerifyKey;
  readonly authority: Authority;
  /** SPIFFE URI. */
  readonly identity: string;
  /** What its issuer calls itself. */
  readonly issuerUrl: string;
  /** Of each of the certificate's SCTs: when it was signed, in wall milliseconds, and by which log. */
  readonly scts: readonly { readonly time: number; readonly log: Log }[];
}

const leafField = 'verificationMaterial.certificate';

/**
 * A certificate is checked once for each trust root: gates sign thousands of statements with one. Only certificates that
 * passed are remembered, and nothing that depends on time.
 */
const remembered = new WeakMap<Trust, Map<string, Signer>>();
const maxRemembered = 256;

/** Checks chain, profile and SCTs. Undefined after a failure, all of which are in `failures`. */
export async function verifySigner(
  bundle: Pick<Bundle, 'leaf' | 'issuer'>,
  trust: Trust,
  failures: Failure[],
): Promise<Signer | undefined> {
  const signers = remembered.get(trust) ?? new Map<string, Signer>();
  remembered.set(trust, signers);
  const name = hex(sha256(bundle.leaf));
  const known = signers.get(name);
  const signer = known ?? (await checkSigner(bundle.leaf, trust, failures));
  if (signer === undefined) return undefined;
  if (signers.size >= maxRemembered) signers.clear();
  signers.set(name, signer);
  const claimed = await attempt(failures, () => requireIssuer(bundle.issuer, signer.authority));
  return claimed && signer;
}

async function checkSigner(leaf: Uint8Array, trust: Trust, failures: Failure[]): Promise<Signer | undefined> {
  const certificate = await attempt(failures, () =>
    readCertificate(leaf, 'CERTIFICATE_MALFORMED', leafField),
  );
  if (certificate === undefined) return undefined;
  const authority = await attempt(failures, () => findAuthority(certificate, trust));
  const profile = await attempt(failures, () => readProfile(certificate));
  const key = await attempt(failures, () => certificateKey(certificate, 'CERTIFICATE_PROFILE', leafField));
  if (authority === undefined) return undefined;
  const scts = await attempt(failures, () => verifyScts(certificate, authority, trust));
  if (profile === undefined || key === undefined || scts === undefined) return undefined;
  return { certificate, key, authority, ...profile, scts };
}

async function findAuthority(certificate: Certificate, trust: Trust): Promise<Authority> {
  for (const authority of trust.certificateAuthorities) {
    const [issuer] = authority.chain;
    if (issuer !== undefined && (await isIssuedBy(certificate, issuer, authority.key))) return authority;
  }
  return fail(
    'CERTIFICATE_CHAIN',
    leafField,
    'No certificate authority of the trust root issued this certificate.',
  );
}

/** In v0.2 the bundle names the issuing CA. It is not relied on, and must still be the one that was found. */
function requireIssuer(issuer: Uint8Array | undefined, authority: Authority): true {
  const [trusted] = authority.chain;
  if (issuer !== undefined && (trusted === undefined || !equalBytes(issuer, trusted.raw))) {
    fail(
      'CERTIFICATE_CHAIN',
      'verificationMaterial.x509CertificateChain.certificates[1]',
      'This is not the trust root’s certificate of the CA that issued the leaf.',
    );
  }
  return true;
}

/** SPIFFE ID: a trust domain and a path of plain segments (SPIFFE-ID §2). */
const spiffeId = /^spiffe:\/\/[a-z0-9._-]{1,255}(?:\/[A-Za-z0-9._-]+)+$/;

function readProfile(certificate: Certificate): { identity: string; issuerUrl: string } {
  const wrong = wrongProfile(certificate, 'signer');
  if (wrong !== undefined) fail('CERTIFICATE_PROFILE', leafField, wrong);
  const { san, subject, issuerUrl } = certificate;
  const identity = san?.uris[0];
  // `30 00`: the identity stands in one place. (The name should then be critical, RFC 5280 §4.1.2.6; no verifier asks.)
  if (subject.length !== 2) return fail('CERTIFICATE_PROFILE', leafField, 'Its subject is not empty.');
  if (identity === undefined || san?.uris.length !== 1 || san.others > 0 || !isSpiffeId(identity)) {
    return fail('CERTIFICATE_PROFILE', leafField, 'Its alternative name is not exactly one SPIFFE ID.');
  }
  if (issuerUrl === undefined) {
    return fail('CERTIFICATE_PROFILE', leafField, `It does not state its issuer (${oids.fulcioIssuer}).`);
  }
  return { identity, issuerUrl };
}

function isSpiffeId(uri: string): boolean {
  const segments = uri.split('/').slice(3);
  return uri.length <= 2048 && spiffeId.test(uri) && !segments.includes('.') && !segments.includes('..');
}

/** Every embedded SCT must verify (RFC 6962 §3.3): one that nobody can check is a claim that nobody made. */
async function verifyScts(
  certificate: Certificate,
  authority: Authority,
  trust: Trust,
): Promise<Signer['scts']> {
  const scts = readScts(certificate);
  const [issuer] = authority.chain;
  const issuerKeyHash = sha256(issuer?.spki ?? new Uint8Array());
  const tbs = precertificateTbs(certificate);
  return Promise.all(
    scts.map(async (sct) => {
      const { timestamp, logId, hash, algorithm, signature } = sct;
      const log = trust.certificateLogs.find(
        (candidate) => equalBytes(candidate.keyId, logId) && isWithin(candidate.validFor, timestamp),
      );
      if (log === undefined) {
        return fail(
          'SCT_INVALID',
          leafField,
          'Its certificate timestamp is of no log of the trust root, or not of its time.',
        );
      }
      const signed =
        hash === 4 &&
        algorithm === 3 &&
        (await verifySignature(log.key, sctSigningInput(sct, issuerKeyHash, tbs), signature));
      if (!signed)
        return fail('SCT_INVALID', leafField, 'The signature of its certificate timestamp does not hold.');
      return { time: timestamp, log };
    }),
  );
}

function readScts(certificate: Certificate): readonly SignedCertificateTimestamp[] {
  if (certificate.sctList === undefined) {
    return fail('SCT_INVALID', leafField, 'It carries no certificate timestamp.');
  }
  try {
    const scts = parseSctList(certificate.sctList);
    if (scts.length > limits.scts)
      fail('TOO_LARGE', leafField, 'It carries too many certificate timestamps.');
    return scts;
  } catch (thrown) {
    if (!(thrown instanceof CountersignError)) throw thrown;
    return fail('SCT_INVALID', leafField, `It has ${thrown.message}.`);
  }
}

/** Leaf, chain, CA and certificate log must all have been good when the signature was stamped, whatever today is. */
export function requireValidAt(signer: Signer, time: number): void {
  const { certificate, authority, scts } = signer;
  if (!isValidAt(certificate, time)) {
    fail(
      'CERTIFICATE_EXPIRED',
      leafField,
      'The signing certificate was not valid when the signature was stamped.',
    );
  }
  if (!authority.chain.every((issuer) => isValidAt(issuer, time)) || !isWithin(authority.validFor, time)) {
    fail(
      'CERTIFICATE_EXPIRED',
      leafField,
      'The certificate authority was not valid when the signature was stamped.',
    );
  }
  if (scts.some((sct) => sct.time > time + clockTolerance)) {
    fail('SCT_INVALID', leafField, 'The certificate timestamp is later than the signature.');
  }
}
