import { canonicalJson } from '../call/canonical-json.ts';
import { equalBytes, hex, sha256, utf8 } from '../call/sha256.ts';
import type { Json, JsonObject } from '../call/json.ts';
import { CountersignError } from '../errors.ts';
import { oids } from '../pki/oids.ts';
import type { Certificate } from '../pki/parse-certificate.ts';
import { isKeyName, keyId } from '../tlog/vkey.ts';
import { certificateKey, isIssuedBy, readCertificate, wrongProfile } from './certificate.ts';
import { CheckFailed, fail } from './codes.ts';
import { ed25519Raw, importEd25519, importP256 } from './crypto.ts';
import type { VerifyKey } from './crypto.ts';
import { fieldsOf } from './fields.ts';
import { limits } from './limits.ts';
import { readUnambiguous } from './read-json.ts';
import { parseUtc } from './rfc3339.ts';

/** When something in the trust root may be relied on: wall milliseconds, both ends included. */
export interface Period {
  readonly start: number;
  /** `Infinity` while there is no end. */
  readonly end: number;
}

/** A chain whose first certificate does the work; the root is last. Every link was checked when it was loaded. */
export interface Authority {
  readonly uri: string;
  readonly chain: readonly Certificate[];
  /** Key of the first certificate. */
  readonly key: VerifyKey;
  readonly validFor: Period;
}

export interface Log {
  /** Host name of `baseUrl`: the origin that its checkpoints state. */
  readonly origin: string;
  /** 32 bytes. */
  readonly keyId: Uint8Array;
  readonly key: VerifyKey;
  readonly validFor: Period;
}

/** Everything that a verification relies on. No key comes from anywhere else. */
export interface Trust {
  /** Hex SHA-256 of the trust root's canonical JSON. */
  readonly fingerprint: string;
  readonly certificateAuthorities: readonly Authority[];
  readonly timestampAuthorities: readonly Authority[];
  readonly transparencyLogs: readonly Log[];
  readonly certificateLogs: readonly Log[];
}

const mediaType = 'application/vnd.dev.sigstore.trustedroot+json;version=0.1';
const malformed = 'INPUT_MALFORMED';
const fields = fieldsOf(malformed, malformed);

/**
 * Reads Sigstore's `trusted_root.json`, v0.1, strictly: a chain that does not hold, a key id that is not its key's, a key
 * that serves two purposes, an unknown field refuse the whole file. Each key is imported once, here.
 *
 * @throws CountersignError `CONFIG_INVALID`; the message names the field.
 */
export async function loadTrust(trustedRootJson: Uint8Array): Promise<Trust> {
  try {
    if (trustedRootJson.length > limits.trustRoot) fail('TOO_LARGE', '', 'The file is too large.');
    const value = readUnambiguous(trustedRootJson, malformed, '').root.value;
    return await readTrust(value);
  } catch (thrown) {
    if (!(thrown instanceof CheckFailed)) throw thrown;
    const { field, message } = thrown.failure;
    throw new CountersignError(
      'CONFIG_INVALID',
      `This is not a trust root to rely on: ${field === '' ? '' : `${field}: `}${message}`,
    );
  }
}

async function readTrust(value: Json): Promise<Trust> {
  const root = fields.object(value, '', [
    'mediaType',
    'tlogs',
    'certificateAuthorities',
    'ctlogs',
    'timestampAuthorities',
  ]);
  if (root['mediaType'] !== mediaType) fail(malformed, 'mediaType', `Only ${mediaType} is read.`);
  const trust = {
    fingerprint: hex(sha256(utf8(canonicalJson(root)))),
    certificateAuthorities: await readAll(root, 'certificateAuthorities', (entry, path) =>
      readAuthority(entry, path, 'signer'),
    ),
    timestampAuthorities: await readAll(root, 'timestampAuthorities', (entry, path) =>
      readAuthority(entry, path, 'timestamp-authority'),
    ),
    transparencyLogs: await readAll(root, 'tlogs', readTransparencyLog),
    certificateLogs: await readAll(root, 'ctlogs', readCertificateLog),
  };
  requireDistinctKeys(trust);
  return trust;
}

async function readAll<T>(
  root: JsonObject,
  name: string,
  read: (entry: Json, path: string) => Promise<T>,
): Promise<readonly T[]> {
  const entries = fields.array(root[name], name);
  if (entries.length === 0) fail(malformed, name, 'There must be at least one.');
  return Promise.all(entries.map((entry, i) => read(entry, `${name}[${i}]`)));
}

/** `signer`: the chain starts with the CA that issues signers. `timestamp-authority`: it starts with the one that stamps. */
async function readAuthority(
  value: Json,
  path: string,
  role: 'signer' | 'timestamp-authority',
): Promise<Authority> {
  const authority = fields.object(value, path, ['uri', 'certChain', 'validFor'], ['subject']);
  const uri = fields.string(authority['uri'], `${path}.uri`);
  const subject = fields.object(
    authority['subject'] ?? {},
    `${path}.subject`,
    [],
    ['organization', 'commonName'],
  );
  for (const [name, text] of Object.entries(subject)) fields.string(text, `${path}.subject.${name}`);
  const validFor = readPeriod(authority['validFor'], `${path}.validFor`);
  const at = `${path}.certChain.certificates`;
  const certChain = fields.object(authority['certChain'], `${path}.certChain`, ['certificates']);
  const certificates = fields.array(certChain['certificates'], at);
  if (certificates.length < 2 || certificates.length > limits.chain) {
    fail(malformed, at, `A chain has 2 to ${limits.chain} certificates, the root last.`);
  }
  const chain = certificates.map((entry, i) => {
    const { rawBytes } = fields.object(entry, `${at}[${i}]`, ['rawBytes']);
    const der = fields.bytes(rawBytes, `${at}[${i}].rawBytes`, limits.certificate);
    return readCertificate(der, malformed, `${at}[${i}]`);
  });
  const key = await checkChain(chain, at, role);
  return { uri, chain, key, validFor };
}

/** Checks each link once, so that verifying an envelope is left with the leaf. Returns the key of the first certificate. */
async function checkChain(
  chain: readonly Certificate[],
  path: string,
  role: 'signer' | 'timestamp-authority',
): Promise<VerifyKey> {
  const keys = await Promise.all(
    chain.map((certificate, i) => certificateKey(certificate, malformed, `${path}[${i}]`)),
  );
  for (const [i, certificate] of chain.entries()) {
    const at = `${path}[${i}]`;
    const wrong = wrongProfile(certificate, i === 0 && role === 'timestamp-authority' ? role : 'ca');
    if (wrong !== undefined) fail(malformed, at, wrong);
    // The root is its own issuer. The certificates below a CA, the end entity not counted, may be `pathLength` (RFC 5280 §4.2.1.9).
    const above = Math.min(i + 1, chain.length - 1);
    const issuer = chain[above] ?? certificate;
    const issuerKey = keys[above];
    if (issuerKey === undefined || !(await isIssuedBy(certificate, issuer, issuerKey))) {
      fail(malformed, at, 'It was not issued by the next certificate of the chain.');
    }
    const below = role === 'signer' ? i : i - 1;
    if (certificate.pathLength !== undefined && certificate.pathLength < below) {
      fail(malformed, at, 'Its path length does not allow the chain below it.');
    }
    requirePurpose(certificate, role, at);
  }
  return keys[0] ?? fail(malformed, path, 'The chain is empty.');
}

/** A CA that limits its purposes must not be used for another (CA/Browser Forum's reading, and Go's). */
function requirePurpose(
  certificate: Certificate,
  role: 'signer' | 'timestamp-authority',
  path: string,
): void {
  const purpose = role === 'signer' ? oids.codeSigning : oids.timeStamping;
  if (certificate.extendedKeyUsage !== undefined && !certificate.extendedKeyUsage.includes(purpose)) {
    fail(malformed, path, 'Its extended key usage does not allow what the chain is for.');
  }
}

async function readTransparencyLog(value: Json, path: string): Promise<Log> {
  const { log, rawBytes, keyIdBytes } = readLog(value, path, 'PKIX_ED25519', ['checkpointKeyId']);
  const key =
    (await importEd25519(rawBytes)) ?? fail(malformed, `${path}.publicKey.rawBytes`, 'It is no Ed25519 key.');
  const { origin } = log;
  const checkpointKeyId = readKeyId(log.checkpointKeyId, `${path}.checkpointKeyId`);
  const expected = keyId(origin, ed25519Raw(key));
  if (!equalBytes(keyIdBytes, expected) || !equalBytes(checkpointKeyId, expected)) {
    fail(malformed, `${path}.logId`, 'The key id is not that of this host name and this key.');
  }
  return { origin, keyId: expected, key, validFor: log.validFor };
}

async function readCertificateLog(value: Json, path: string): Promise<Log> {
  const { log, rawBytes, keyIdBytes } = readLog(value, path, 'PKIX_ECDSA_P256_SHA_256', []);
  const key =
    (await importP256(rawBytes)) ?? fail(malformed, `${path}.publicKey.rawBytes`, 'It is no P-256 key.');
  const expected = sha256(rawBytes);
  if (!equalBytes(keyIdBytes, expected))
    fail(malformed, `${path}.logId`, 'The log id is not the digest of the key.');
  return { origin: log.origin, keyId: expected, key, validFor: log.validFor };
}

interface LogFields {
  readonly log: {
    readonly origin: string;
    readonly validFor: Period;
    readonly checkpointKeyId: Json | undefined;
  };
  readonly rawBytes: Uint8Array;
  readonly keyIdBytes: Uint8Array;
}

function readLog(value: Json, path: string, keyDetails: string, more: readonly string[]): LogFields {
  const log = fields.object(value, path, ['baseUrl', 'hashAlgorithm', 'publicKey', 'logId', ...more]);
  if (log['hashAlgorithm'] !== 'SHA2_256') fail(malformed, `${path}.hashAlgorithm`, 'Only SHA2_256 is read.');
  const at = `${path}.publicKey`;
  const publicKey = fields.object(log['publicKey'], at, ['rawBytes', 'keyDetails', 'validFor']);
  if (publicKey['keyDetails'] !== keyDetails)
    fail(malformed, `${at}.keyDetails`, `Only ${keyDetails} is read here.`);
  return {
    log: {
      origin: readOrigin(log['baseUrl'], `${path}.baseUrl`),
      validFor: readPeriod(publicKey['validFor'], `${at}.validFor`),
      checkpointKeyId: log['checkpointKeyId'],
    },
    rawBytes: fields.bytes(publicKey['rawBytes'], `${at}.rawBytes`, limits.certificate),
    keyIdBytes: readKeyId(log['logId'], `${path}.logId`),
  };
}

function readKeyId(value: Json | undefined, path: string): Uint8Array {
  return fields.bytes(fields.object(value, path, ['keyId'])['keyId'], `${path}.keyId`, 32);
}

/** The host of an https URL that is nothing but a host: verifiers differ in what they make of a port or a path. */
function readOrigin(value: Json | undefined, path: string): string {
  const text = fields.string(value, path);
  const [, host] = /^https:\/\/([a-z0-9.-]{1,253})$/.exec(text) ?? [];
  if (host === undefined || !isKeyName(host))
    return fail(malformed, path, 'This must be https:// and a host name.');
  return host;
}

function readPeriod(value: Json | undefined, path: string): Period {
  const period = fields.object(value, path, ['start'], ['end']);
  const start = readTime(period['start'], `${path}.start`);
  const end = period['end'] === undefined ? Infinity : readTime(period['end'], `${path}.end`);
  if (end < start) fail(malformed, path, 'It ends before it starts.');
  return { start, end };
}

function readTime(value: Json | undefined, path: string): number {
  return (
    parseUtc(fields.string(value, path)) ?? fail(malformed, path, 'This must be an RFC 3339 time in UTC.')
  );
}

/** A key of two roles would let one role's holder play the other (the log's key stamping its own time, for one). */
function requireDistinctKeys(trust: Omit<Trust, 'fingerprint'>): void {
  const roles: readonly (readonly Uint8Array[])[] = [
    trust.certificateAuthorities.flatMap(({ chain }) => chain.map(({ spki }) => spki)),
    trust.timestampAuthorities.flatMap(({ chain }) => chain.map(({ spki }) => spki)),
    trust.transparencyLogs.map(({ key }) => key.spki),
    trust.certificateLogs.map(({ key }) => key.spki),
  ];
  const seen = new Map<string, number>();
  for (const [role, keys] of roles.entries()) {
    for (const spki of keys) {
      const name = hex(spki);
      const other = seen.get(name) ?? role;
      if (other !== role) fail(malformed, '', 'One key serves two purposes.');
      seen.set(name, role);
    }
  }
}

export function isWithin(period: Period, time: number): boolean {
  return period.start <= time && time <= period.end;
}

/** When a log was signed by one key or another of its name. Periods that leave a gap are not joined over it. */
export function periodAcrossKeys(log: Log, { transparencyLogs }: Trust): Period {
  const periods = transparencyLogs
    .filter(({ origin }) => origin === log.origin)
    .map(({ validFor }) => validFor);
  return joined(log.validFor, periods);
}

function joined(own: Period, periods: readonly Period[]): Period {
  const touching = periods.filter(({ start, end }) => start <= own.end && own.start <= end);
  const start = Math.min(own.start, ...touching.map((period) => period.start));
  const end = Math.max(own.end, ...touching.map((period) => period.end));
  return start === own.start && end === own.end ? own : joined({ start, end }, periods);
}
