import { hex, sha256 } from '../call/sha256.ts';
import type { Json } from '../call/json.ts';
import type { VerifierKey } from '../tlog/vkey.ts';
import { requireApproved } from './approvals.ts';
import { readBundle } from './bundle.ts';
import type { Bundle } from './bundle.ts';
import { attempt, fail } from './codes.ts';
import type { Failure } from './codes.ts';
import { requireSeenAfter } from './cosignatures.ts';
import { verifySignature } from './crypto.ts';
import { leafOf, preAuthentication } from './leaf.ts';
import { clockTolerance, limits } from './limits.ts';
import { requireUncompromised } from './last-trusted.ts';
import type { Compromised } from './last-trusted.ts';
import { requireLogValidAt, verifyLogEntry } from './log-entry.ts';
import type { Place } from './log-entry.ts';
import { readFacts } from './predicates.ts';
import type { OutcomeFacts, VerdictFacts } from './predicates.ts';
import { readUnambiguous } from './read-json.ts';
import { requireValidAt, verifySigner } from './signer.ts';
import type { Signer } from './signer.ts';
import { readStatement } from './statement.ts';
import type { Statement } from './statement.ts';
import { verifyTimestamp } from './timestamp.ts';
import type { Stamp } from './timestamp.ts';
import type { Trust } from './trust.ts';

export interface VerifyOptions {
  /** The SPIFFE URI that must have signed. Without it, whoever the trust root's CA certified. */
  readonly identity?: string;
  /** Keys that somebody else may hold: what they signed counts only as far as a last trusted head shows it. */
  readonly compromised?: Compromised;
  /** Whose cosignatures count, under their keys. Without them nobody's do. */
  readonly witnesses?: readonly VerifierKey[];
}

/** An envelope that every check passed. */
export interface Verified {
  readonly ok: true;
  readonly bundleVersion: Bundle['version'];
  readonly signer: Signer;
  readonly stamp: Stamp;
  readonly place: Place;
  readonly statement: Statement;
  /** What the statement says of a call, when it is a verdict or an outcome of ours. */
  readonly facts: VerdictFacts | OutcomeFacts | undefined;
  /** Hex SHA-256 of the signed bytes: how statements name each other. */
  readonly sha256: string;
}

/** An envelope that says nothing: at least one check failed. */
export interface Refused {
  readonly ok: false;
  readonly failures: readonly Failure[];
}

/**
 * Verifies one Sigstore bundle, offline, by nothing but the trust root: never by a key, a root or a policy that the
 * envelope brings. It accepts the strict intersection of what cosign, sigstore-go and sigstore-js accept. `bundle` is the
 * JSON text, or its value where it came inside another document that was parsed without ambiguities.
 */
export async function verifyEnvelope(
  bundle: Uint8Array | Json,
  trust: Trust,
  options: VerifyOptions = {},
): Promise<Verified | Refused> {
  const failures: Failure[] = [];
  const parsed = await attempt(failures, () => readBundle(valueOf(bundle)));
  if (parsed === undefined) return { ok: false, failures };

  const verified = await verifyParts(parsed, trust, options, (signedBytes, found) =>
    verifyLogEntry(parsed.entry, leafOf(signedBytes, parsed), trust, found, options.witnesses),
  );
  return verified.ok ? { ...verified, bundleVersion: parsed.version } : verified;
}

/** What was signed, by whom, and when: an envelope without its place in a log. */
export type SignedParts = Pick<Bundle, 'leaf' | 'issuer' | 'timestamp' | 'payload' | 'signature'>;

/**
 * Every check of an envelope. Only how its place in a log is shown is for `locate` to say: by the envelope's own proof, or
 * by a tree that was recomputed. It answers undefined after a failure, all of which it puts into `failures`.
 */
export async function verifyParts(
  parts: SignedParts,
  trust: Trust,
  options: VerifyOptions,
  locate: (signedBytes: Uint8Array, failures: Failure[]) => Promise<Place | undefined>,
): Promise<Omit<Verified, 'bundleVersion'> | Refused> {
  const failures: Failure[] = [];
  const signedBytes = preAuthentication(parts.payload);
  const [who, when, where] = await Promise.all([
    collect((found) => verifyWho(parts, signedBytes, trust, options, found)),
    collect((found) => attempt(found, () => verifyTimestamp(parts.timestamp, parts.signature, trust))),
    collect((found) => locate(signedBytes, found)),
  ]);
  failures.push(...who.failures, ...when.failures, ...where.failures);
  const { signer, signed } = who.value;
  const [stamp, place] = [when.value, where.value];
  if (signer && stamp) await attempt(failures, () => requireValidAt(signer, stamp.time));
  if (place && stamp) await attempt(failures, () => requireLogValidAt(place, stamp.time));
  if (place && stamp) await attempt(failures, () => requireSeenAfter(place.cosigned, stamp.time));
  if (signer && stamp && place && options.compromised) {
    await requireUncompromised({ signer, stamp, place }, options.compromised, failures);
  }
  if (signed !== true) return { ok: false, failures };

  // From here on the payload is what the signer said, and not before.
  const read = await attempt(failures, () => {
    const statement = readStatement(parts.payload);
    return { statement, facts: readFacts(statement) };
  });
  if (read?.facts && stamp) await requireFitting(read.facts, stamp, failures);
  if (failures.length > 0 || !signer || !stamp || !place || !read) return { ok: false, failures };
  return { ok: true, signer, stamp, place, ...read, sha256: hex(sha256(signedBytes)) };
}

/** What a statement of ours says of a call has to fit its stamp, and what it says that it needed. */
async function requireFitting(
  facts: VerdictFacts | OutcomeFacts,
  stamp: Stamp,
  failures: Failure[],
): Promise<void> {
  await attempt(failures, () => requireTimely(facts, stamp));
  if (facts.kind === 'allow') await attempt(failures, () => requireApproved(facts));
}

/** Runs checks that are independent of others side by side with them, and keeps the order of what they find. */
async function collect<T>(
  check: (failures: Failure[]) => Promise<T>,
): Promise<{ readonly value: T; readonly failures: readonly Failure[] }> {
  const failures: Failure[] = [];
  return { value: await check(failures), failures };
}

async function verifyWho(
  bundle: SignedParts,
  signedBytes: Uint8Array,
  trust: Trust,
  { identity }: VerifyOptions,
  failures: Failure[],
): Promise<{ readonly signer: Signer | undefined; readonly signed: true | undefined }> {
  const signer = await verifySigner(bundle, trust, failures);
  if (signer === undefined) return { signer, signed: undefined };
  const signed = await attempt(failures, () => requireSignature(signer, signedBytes, bundle.signature));
  await attempt(failures, () => requireIdentity(signer, identity));
  return { signer, signed };
}

function valueOf(bundle: Uint8Array | Json): Json {
  if (!(bundle instanceof Uint8Array)) return bundle;
  if (bundle.length > limits.bundle) fail('TOO_LARGE', '', `A bundle has at most ${limits.bundle} bytes.`);
  return readUnambiguous(bundle, 'BUNDLE_MALFORMED', '').root.value;
}

async function requireSignature(
  signer: Signer,
  signedBytes: Uint8Array,
  signature: Uint8Array,
): Promise<true> {
  if (await verifySignature(signer.key, signedBytes, signature)) return true;
  return fail(
    'SIGNATURE_INVALID',
    'dsseEnvelope.signatures[0].sig',
    'The signature over the statement does not hold.',
  );
}

function requireIdentity({ identity }: Signer, expected: string | undefined): void {
  if (expected !== undefined && identity !== expected) {
    fail('CERTIFICATE_IDENTITY', 'verificationMaterial.certificate', `It was signed by ${identity}.`);
  }
}

/**
 * A statement is stamped as it is made, so its own time and the stamp's agree. An outcome that could not be logged at
 * once is stamped late, never early.
 */
function requireTimely(facts: Verified['facts'], { time }: Stamp): void {
  if (facts === undefined) return;
  const [field, stated] =
    facts.kind === 'outcome' ? ['finishedAt', facts.finishedAt] : ['decidedAt', facts.decidedAt];
  const early = facts.kind !== 'outcome' && stated < time - clockTolerance;
  if (early || stated > time + clockTolerance) {
    fail(
      'TIME_CONTRADICTION',
      `payload.predicate.${field}`,
      'The statement and its timestamp are of different times.',
    );
  }
  if (facts.kind === 'outcome' && (facts.startedAt ?? stated) > stated) {
    fail('TIME_CONTRADICTION', 'payload.predicate.startedAt', 'It ended before it began.');
  }
}
