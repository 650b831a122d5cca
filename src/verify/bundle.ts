import type { Json, JsonObject } from '../call/json.ts';
import { dssePayloadType } from '../names.ts';
import { fail } from './codes.ts';
import { fieldsOf } from './fields.ts';
import { limits } from './limits.ts';

/** The bundle's fields, decoded and nothing more: no signature was checked. */
export interface Bundle {
  readonly version: '0.2' | '0.3';
  /** DER: the leaf, and in v0.2 the issuing CA that it claims. */
  readonly leaf: Uint8Array;
  readonly issuer: Uint8Array | undefined;
  /** `TimeStampResp`, DER. */
  readonly timestamp: Uint8Array | undefined;
  readonly entry: LogEntry | undefined;
  /** The statement's bytes: not parsed before `signature` was checked. */
  readonly payload: Uint8Array;
  /** DER ECDSA over the pre-authentication encoding. */
  readonly signature: Uint8Array;
}

/** Transparency log entry, Rekor v2 form. */
export interface LogEntry {
  readonly logIndex: number;
  readonly keyId: Uint8Array;
  readonly proof: {
    readonly logIndex: number;
    readonly treeSize: number;
    readonly rootHash: Uint8Array;
    readonly hashes: readonly Uint8Array[];
    /** The signed note. */
    readonly checkpoint: string;
  };
  /** The Merkle leaf. */
  readonly body: Uint8Array;
}

const mediaTypes: Readonly<Record<string, Bundle['version']>> = {
  'application/vnd.dev.sigstore.bundle+json;version=0.2': '0.2',
  'application/vnd.dev.sigstore.bundle.v0.3+json': '0.3',
};

const fields = fieldsOf('BUNDLE_MALFORMED', 'BUNDLE_UNKNOWN_FIELD');

/**
 * Decodes a Sigstore bundle of the one profile that every verifier accepts alike: v0.2 with leaf and issuing CA or v0.3
 * with the leaf; DSSE around in-toto with one signature; at most one log entry, one timestamp; no field besides.
 */
export function readBundle(value: Json): Bundle {
  const bundle = fields.object(value, '', ['mediaType', 'verificationMaterial', 'dsseEnvelope']);
  const mediaType = fields.string(bundle['mediaType'], 'mediaType');
  const version = Object.hasOwn(mediaTypes, mediaType) ? mediaTypes[mediaType] : undefined;
  if (version === undefined)
    return fail('BUNDLE_VERSION', 'mediaType', 'Only bundles v0.2 and v0.3 are accepted.');
  const material = 'verificationMaterial';
  const verificationMaterial = fields.object(
    bundle[material],
    material,
    [version === '0.2' ? 'x509CertificateChain' : 'certificate'],
    ['tlogEntries', 'timestampVerificationData'],
  );
  return {
    version,
    ...readCertificates(verificationMaterial, version),
    timestamp: readTimestamp(verificationMaterial['timestampVerificationData']),
    entry: readEntry(verificationMaterial['tlogEntries']),
    ...readDsse(bundle['dsseEnvelope']),
  };
}

function readCertificates(
  material: JsonObject,
  version: Bundle['version'],
): { leaf: Uint8Array; issuer: Uint8Array | undefined } {
  if (version === '0.3') {
    const path = 'verificationMaterial.certificate';
    return { leaf: readCertificate(material['certificate'], path), issuer: undefined };
  }
  const path = 'verificationMaterial.x509CertificateChain';
  const chain = fields.object(material['x509CertificateChain'], path, ['certificates']);
  const certificates = fields.array(chain['certificates'], `${path}.certificates`);
  if (certificates.length !== 2) {
    return fail(
      'CERTIFICATE_CHAIN',
      `${path}.certificates`,
      'The chain must be the leaf and its issuing CA.',
    );
  }
  return {
    leaf: readCertificate(certificates[0], `${path}.certificates[0]`),
    issuer: readCertificate(certificates[1], `${path}.certificates[1]`),
  };
}

function readCertificate(value: Json | undefined, path: string): Uint8Array {
  const certificate = fields.object(value, path, ['rawBytes']);
  return fields.bytes(certificate['rawBytes'], `${path}.rawBytes`, limits.certificate);
}

function readTimestamp(value: Json | undefined): Uint8Array | undefined {
  if (value === undefined) return undefined;
  const path = 'verificationMaterial.timestampVerificationData';
  const data = fields.object(value, path, [], ['rfc3161Timestamps']);
  if (data['rfc3161Timestamps'] === undefined) return undefined;
  const timestamps = fields.array(data['rfc3161Timestamps'], `${path}.rfc3161Timestamps`);
  if (timestamps.length === 0) return undefined;
  if (timestamps.length > 1) {
    return fail('TIMESTAMP_INVALID', `${path}.rfc3161Timestamps`, 'There must be exactly one timestamp.');
  }
  const timestamp = fields.object(timestamps[0], `${path}.rfc3161Timestamps[0]`, ['signedTimestamp']);
  const at = `${path}.rfc3161Timestamps[0].signedTimestamp`;
  return fields.bytes(timestamp['signedTimestamp'], at, limits.timestamp);
}

function readEntry(value: Json | undefined): LogEntry | undefined {
  if (value === undefined) return undefined;
  const entries = fields.array(value, 'verificationMaterial.tlogEntries');
  if (entries.length === 0) return undefined;
  if (entries.length > 1) {
    return fail('LOG_ENTRY_KIND', 'verificationMaterial.tlogEntries', 'There must be exactly one log entry.');
  }
  const path = 'verificationMaterial.tlogEntries[0]';
  const entry = fields.object(entries[0], path, [
    'logIndex',
    'logId',
    'kindVersion',
    'integratedTime',
    'inclusionProof',
    'canonicalizedBody',
  ]);
  requireKind(entry, path);
  const logId = fields.object(entry['logId'], `${path}.logId`, ['keyId']);
  return {
    logIndex: fields.count(entry['logIndex'], `${path}.logIndex`),
    keyId: fields.bytes(logId['keyId'], `${path}.logId.keyId`, 32),
    proof: readProof(entry['inclusionProof'], `${path}.inclusionProof`),
    body: fields.bytes(entry['canonicalizedBody'], `${path}.canonicalizedBody`, 2 * limits.certificate),
  };
}

/** Rekor v2 has one kind for us, and no time of its own: an `integratedTime` here would be a claim that nobody signed. */
function requireKind(entry: JsonObject, path: string): void {
  const kindVersion = fields.object(entry['kindVersion'], `${path}.kindVersion`, ['kind', 'version']);
  if (kindVersion['kind'] !== 'hashedrekord' || kindVersion['version'] !== '0.0.2') {
    fail('LOG_ENTRY_KIND', `${path}.kindVersion`, 'Only hashedrekord 0.0.2 is accepted.');
  }
  if (entry['integratedTime'] !== '0') {
    fail('LOG_ENTRY_KIND', `${path}.integratedTime`, 'An entry of this kind states no time: "0".');
  }
}

function readProof(value: Json | undefined, path: string): LogEntry['proof'] {
  const proof = fields.object(value, path, ['logIndex', 'rootHash', 'treeSize', 'hashes', 'checkpoint']);
  const hashes = fields.array(proof['hashes'], `${path}.hashes`);
  if (hashes.length > limits.hashes) {
    return fail('TOO_LARGE', `${path}.hashes`, `A proof has at most ${limits.hashes} hashes.`);
  }
  const checkpoint = fields.object(proof['checkpoint'], `${path}.checkpoint`, ['envelope']);
  const note = fields.string(checkpoint['envelope'], `${path}.checkpoint.envelope`);
  if (note.length > limits.checkpoint) {
    return fail(
      'TOO_LARGE',
      `${path}.checkpoint.envelope`,
      `A checkpoint has at most ${limits.checkpoint} bytes.`,
    );
  }
  return {
    logIndex: fields.count(proof['logIndex'], `${path}.logIndex`),
    treeSize: fields.count(proof['treeSize'], `${path}.treeSize`),
    rootHash: fields.bytes(proof['rootHash'], `${path}.rootHash`, 32),
    hashes: hashes.map((hash, i) => fields.bytes(hash, `${path}.hashes[${i}]`, 32)),
    checkpoint: note,
  };
}

function readDsse(value: Json | undefined): { payload: Uint8Array; signature: Uint8Array } {
  const envelope = fields.object(value, 'dsseEnvelope', ['payload', 'payloadType', 'signatures']);
  if (envelope['payloadType'] !== dssePayloadType) {
    return fail('PAYLOAD_TYPE', 'dsseEnvelope.payloadType', `Only ${dssePayloadType} is accepted.`);
  }
  const signatures = fields.array(envelope['signatures'], 'dsseEnvelope.signatures');
  if (signatures.length !== 1) {
    return fail('SIGNATURE_COUNT', 'dsseEnvelope.signatures', 'There must be exactly one signature.');
  }
  // A `keyid` would be an unauthenticated hint at a key: the certificate names the key.
  const signature = fields.object(signatures[0], 'dsseEnvelope.signatures[0]', ['sig']);
  return {
    payload: fields.bytes(envelope['payload'], 'dsseEnvelope.payload', limits.bundle),
    signature: fields.bytes(signature['sig'], 'dsseEnvelope.signatures[0].sig', 72),
  };
}
