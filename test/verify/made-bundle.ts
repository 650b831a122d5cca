import { base64, concatBytes, utf8 } from '../../src/call/bytes.ts';
import { leafBody } from '../../src/envelope/leaf-body.ts';
import type { LeafBody } from '../../src/envelope/leaf-body.ts';
import { verdict } from '../../src/envelope/statements.ts';
import type { SignedStatement, Statement } from '../../src/envelope/envelope.ts';
import type { SyncSigner } from '../../src/pki/signer.ts';
import { logKeyId } from '../envelope/tiny-log.ts';
import { allowed } from '../envelope/facts.ts';
import type { Recorded, RecordOptions, TestTrustSystem } from '../support/trust-system.ts';
import { newCallId } from './calls.ts';

/** A bundle to be damaged: every field that some version of the format has. */
export interface MadeBundle {
  mediaType: string;
  verificationMaterial: {
    certificate?: RawBytes;
    x509CertificateChain?: { certificates: RawBytes[] };
    publicKey?: { hint: string };
    tlogEntries: MadeEntry[];
    timestampVerificationData: { rfc3161Timestamps: { signedTimestamp: string }[] };
  };
  dsseEnvelope?: { payloadType: string; payload: string; signatures: { sig: string }[] };
  messageSignature?: { messageDigest: { algorithm: string; digest: string }; signature: string };
}

export interface MadeEntry {
  logIndex: string;
  logId: { keyId: string };
  kindVersion: { kind: string; version: string };
  integratedTime: string;
  inclusionPromise?: { signedEntryTimestamp: string };
  inclusionProof?: {
    logIndex: string;
    rootHash: string;
    treeSize: string;
    hashes: string[];
    checkpoint: { envelope: string };
  };
  canonicalizedBody: string;
}

interface RawBytes {
  rawBytes: string;
}

/** An ALLOW of a new call, decided when it is stamped. */
export function recordAllow(system: TestTrustSystem, options: RecordOptions = {}): Promise<Recorded> {
  const time = options.time ?? system.now;
  const call = { ...allowed.call, id: newCallId() };
  return system.record('allow', verdict({ ...allowed, call, decidedAt: time, notAfter: time }), options);
}

/** A payload that says it is of another type than a statement's, or of none: signed and logged all the same. */
export function recordTyped(system: TestTrustSystem, type: string | undefined): Promise<Recorded> {
  const statement = verdict({ ...allowed, decidedAt: system.now, notAfter: system.now });
  return system.record('allow', { ...statement, _type: type } as unknown as Statement);
}

/** The bundle of a recorded statement, to be changed. */
export function bundleOf(
  system: TestTrustSystem,
  recorded: Recorded,
  version: '0.2' | '0.3' = '0.3',
): MadeBundle {
  return JSON.parse(system.bundle(recorded, { version })) as MadeBundle;
}

export function entryOf(bundle: MadeBundle): MadeEntry {
  const [entry] = bundle.verificationMaterial.tlogEntries;
  if (entry === undefined) throw new Error('this bundle has no entry');
  return entry;
}

export function proofOf(bundle: MadeBundle): NonNullable<MadeEntry['inclusionProof']> {
  const { inclusionProof } = entryOf(bundle);
  if (inclusionProof === undefined) throw new Error('this bundle has no proof');
  return inclusionProof;
}

/** Logs this leaf, and shows it in the bundle instead of the bundle's own. */
export function placeLeaf(system: TestTrustSystem, bundle: MadeBundle, leaf: Uint8Array): void {
  const index = system.leaves.push(leaf) - 1;
  const proof = system.proof({ index });
  Object.assign(entryOf(bundle), {
    logIndex: String(index),
    canonicalizedBody: base64(leaf),
    inclusionProof: {
      logIndex: String(index),
      rootHash: base64(proof.rootHash),
      treeSize: String(proof.treeSize),
      hashes: proof.hashes.map(base64),
      checkpoint: { envelope: proof.checkpoint },
    },
  } satisfies Partial<MadeEntry>);
}

/** The leaf of a statement, with another value here or there. */
export function leafWith(
  { paeSha256, signature }: SignedStatement,
  certificate: Uint8Array,
  change: Partial<LeafBody> = {},
): Uint8Array {
  return leafBody({ paeSha256, signature, certificate, ...change });
}

/** What was signed, its signature and timestamp become those of another statement. The log entry stays. */
export function putEnvelope(
  bundle: MadeBundle,
  { payload, signature, timestamp }: Pick<SignedStatement, 'payload' | 'signature' | 'timestamp'>,
): void {
  bundle.dsseEnvelope = {
    payloadType: 'application/vnd.in-toto+json',
    payload: base64(payload),
    signatures: [{ sig: base64(signature) }],
  };
  putTimestamps(bundle, timestamp);
}

export function putTimestamps(bundle: MadeBundle, ...tokens: readonly Uint8Array[]): void {
  bundle.verificationMaterial.timestampVerificationData.rfc3161Timestamps = tokens.map((token) => ({
    signedTimestamp: base64(token),
  }));
}

/** A line under a checkpoint: who signed, the first four bytes of the key's id, the signature. */
export function noteLine(name: string, keyId: Uint8Array, signature: Uint8Array): string {
  return `— ${name} ${base64(concatBytes(keyId.subarray(0, 4), signature))}\n`;
}

/** Whatever text, signed as the log signs its checkpoints. */
export function signAsLog(
  { origin, logSigner }: TestTrustSystem,
  text: string,
  signer: SyncSigner = logSigner,
): string {
  return `${text}\n${noteLine(origin, logKeyId(origin, logSigner), signer.sign(utf8(text)))}`;
}
