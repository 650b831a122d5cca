import { canonicalJson } from '../call/canonical-json.ts';
import type { Json } from '../call/json.ts';
import { equalBytes, fromHex, hex, sha256, utf8 } from '../call/sha256.ts';
import { CountersignError } from '../errors.ts';
import { CheckFailed, attempt, fail } from './codes.ts';
import type { Failure } from './codes.ts';
import { fieldsOf } from './fields.ts';
import { limits } from './limits.ts';
import type { Place } from './log-entry.ts';
import { readUnambiguous } from './read-json.ts';
import type { Signer } from './signer.ts';
import type { Stamp } from './timestamp.ts';
import type { Trust } from './trust.ts';

/**
 * Keys that somebody else may hold, and what still counts of them. Never a date: whoever holds the authorities' keys writes
 * dates. What a thief cannot make is an entry in a tree whose root was known before: so a declaration names the last tree head
 * that is trusted, by size and root.
 */
export interface Compromised {
  /** Hex SHA-256 of the declaration's canonical JSON. */
  readonly fingerprint: string;
  readonly keys: readonly CompromisedKey[];
}

/** `ca` and `timestamp`: any key of an authority's chain. */
export type KeyPurpose = 'ca' | 'timestamp' | 'ct' | 'log';

/** One key, and one log that it was used with; a key that was used with several logs is declared once for each. */
export interface CompromisedKey {
  readonly purpose: KeyPurpose;
  /** Hex SHA-256 of its SubjectPublicKeyInfo. */
  readonly sha256: string;
  readonly lastTrusted: TrustedHead;
}

/** A tree head that its operator vouches for by another way than a signature. */
export interface TrustedHead {
  readonly origin: string;
  readonly treeSize: number;
  readonly rootHash: Uint8Array;
}

const malformed = 'INPUT_MALFORMED';
const fields = fieldsOf(malformed, malformed);

/**
 * Reads `{"version":1,"keys":[{"purpose","sha256","lastTrusted":{"origin","treeSize","rootHash"}}]}` strictly. A key or a log
 * that the trust root does not name is refused too: a declaration that applies to nothing would look as if it had been applied.
 *
 * @throws CountersignError `CONFIG_INVALID`; the message names the field.
 */
export function loadCompromised(declarationJson: Uint8Array, trust: Trust): Compromised {
  try {
    if (declarationJson.length > limits.trustRoot) fail('TOO_LARGE', '', 'The file is too large.');
    const value = readUnambiguous(declarationJson, malformed, '').root.value;
    const { version, keys } = fields.object(value, '', ['version', 'keys']);
    if (version !== 1) fail(malformed, 'version', 'Only version 1 is read.');
    const read = fields.array(keys, 'keys').map((key, i) => readKey(key, `keys[${i}]`, trust));
    if (read.length === 0) fail(malformed, 'keys', 'There must be at least one.');
    requireOneHeadEach(read);
    return { fingerprint: hex(sha256(utf8(canonicalJson(value)))), keys: read };
  } catch (thrown) {
    if (!(thrown instanceof CheckFailed)) throw thrown;
    const { field, message } = thrown.failure;
    throw new CountersignError(
      'CONFIG_INVALID',
      `This is not a declaration of compromised keys: ${field === '' ? '' : `${field}: `}${message}`,
    );
  }
}

const purposes: readonly KeyPurpose[] = ['ca', 'timestamp', 'ct', 'log'];

function readKey(value: Json, path: string, trust: Trust): CompromisedKey {
  const key = fields.object(value, path, ['purpose', 'sha256', 'lastTrusted']);
  const purpose =
    purposes.find((known) => known === key['purpose']) ??
    fail(malformed, `${path}.purpose`, `This must be one of ${purposes.join(', ')}.`);
  const digest = hex(digestOf(key['sha256'], `${path}.sha256`));
  const lastTrusted = readHead(key['lastTrusted'], `${path}.lastTrusted`);
  const { origin } = lastTrusted;
  const logs = trust.transparencyLogs.filter((log) => log.origin === origin);
  if (logs.length === 0) {
    fail(malformed, `${path}.lastTrusted.origin`, 'The trust root names no log of this origin.');
  }
  // A log's key signs the heads of its own log: its last trusted head in another one would say nothing.
  const known = purpose === 'log' ? logs.map((log) => log.key.spki) : keysOf(trust, purpose);
  if (!known.some((spki) => digestOfKey(spki) === digest)) {
    const which = purpose === 'log' ? 'key of this log' : `${purpose} key`;
    fail(
      malformed,
      `${path}.sha256`,
      `The trust root names no such ${which}: get the operator’s newest one.`,
    );
  }
  return { purpose, sha256: digest, lastTrusted };
}

function keysOf(trust: Trust, purpose: 'ca' | 'timestamp' | 'ct'): readonly Uint8Array[] {
  if (purpose === 'ct') return trust.certificateLogs.map(({ key }) => key.spki);
  const authorities = purpose === 'ca' ? trust.certificateAuthorities : trust.timestampAuthorities;
  return authorities.flatMap(({ chain }) => chain.map(({ spki }) => spki));
}

function readHead(value: Json | undefined, path: string): TrustedHead {
  const head = fields.object(value, path, ['origin', 'treeSize', 'rootHash']);
  const treeSize = head['treeSize'];
  if (typeof treeSize !== 'number' || !Number.isSafeInteger(treeSize) || treeSize < 0) {
    return fail(malformed, `${path}.treeSize`, 'This must be a count.');
  }
  return {
    origin: fields.string(head['origin'], `${path}.origin`),
    treeSize,
    rootHash: digestOf(head['rootHash'], `${path}.rootHash`),
  };
}

function digestOf(value: Json | undefined, path: string): Uint8Array {
  const digest = fromHex(fields.string(value, path));
  return digest?.length === 32
    ? digest
    : fail(malformed, path, 'This must be a SHA-256 in lower-case hexadecimal.');
}

/** Two heads for one key would leave it to the reader which of them is the last. */
function requireOneHeadEach(keys: readonly CompromisedKey[]): void {
  const seen = new Set<string>();
  for (const [i, { purpose, sha256: digest, lastTrusted }] of keys.entries()) {
    const name = `${purpose} ${digest} ${lastTrusted.origin}`;
    if (seen.has(name))
      fail(malformed, `keys[${i}]`, 'This key has a last trusted head of this log already.');
    seen.add(name);
  }
}

/** Who says that an envelope was made, and where it stands. */
export interface Claims {
  readonly signer: Pick<Signer, 'authority' | 'scts'>;
  readonly stamp: Pick<Stamp, 'chain'>;
  readonly place: Place;
}

/**
 * What a compromised key had a part in must be shown by a last trusted head: KEY_COMPROMISED otherwise, once for each key.
 * A checkpoint of a compromised log key counts only when it is that very head. Then the tree is one that no thief made, and an
 * entry within the last trusted size was there before the theft, whatever its certificate and timestamp say.
 */
export async function requireUncompromised(
  { signer, stamp, place }: Claims,
  { keys }: Compromised,
  failures: Failure[],
): Promise<void> {
  const declared = (purpose: KeyPurpose, used: readonly Uint8Array[]): readonly CompromisedKey[] => {
    const digests = new Set(used.map(digestOfKey));
    return keys.filter((key) => key.purpose === purpose && digests.has(key.sha256));
  };
  const uses = [
    ['ca', 'certificate authority', certificateField, signer.authority.chain.map(({ spki }) => spki)],
    ['ct', 'certificate log', certificateField, signer.scts.map(({ log }) => log.key.spki)],
    ['timestamp', 'timestamp authority', timestampField, stamp.chain.map(({ spki }) => spki)],
  ] as const;
  for (const [purpose, name, field, used] of uses) {
    const heads = headsByKey(declared(purpose, used));
    await attempt(failures, () => heads.forEach((own) => requireBefore(place, own, name, field)));
  }
  const logHeads = headsByKey(declared('log', [place.log.key.spki]));
  await attempt(failures, () => logHeads.forEach((own) => requireExactly(place, own)));
}

const certificateField = 'verificationMaterial.certificate';
const timestampField = 'verificationMaterial.timestampVerificationData.rfc3161Timestamps[0]';
const checkpointField = 'verificationMaterial.tlogEntries[0].inclusionProof.checkpoint';

/** Of each key by itself: that one key of a chain was good for longer excuses none of the others. */
function headsByKey(keys: readonly CompromisedKey[]): readonly (readonly TrustedHead[])[] {
  const names = [...new Set(keys.map((key) => key.sha256))];
  return names.map((name) => keys.filter((key) => key.sha256 === name).map(({ lastTrusted }) => lastTrusted));
}

function requireBefore(place: Place, heads: readonly TrustedHead[], name: string, field: string): void {
  const { log, index } = place;
  const head = heads.find(({ origin }) => origin === log.origin);
  if (head !== undefined && index < head.treeSize) return;
  const why =
    head === undefined
      ? `nothing of the log ${log.origin} is trusted of it`
      : `entry ${index} is not among the ${head.treeSize} that its last trusted head has`;
  fail('KEY_COMPROMISED', field, `A key of its ${name} is compromised, and ${why}. Do not rely on it.`);
}

function requireExactly({ log, treeSize, rootHash }: Place, heads: readonly TrustedHead[]): void {
  const head = heads.find(({ origin }) => origin === log.origin);
  if (head !== undefined && head.treeSize === treeSize && equalBytes(head.rootHash, rootHash)) return;
  const against =
    head === undefined
      ? 'under a newer key (countersign log show CALL_ID)'
      : `under a newer key (countersign log show CALL_ID), or under the head of ${head.treeSize} entries ` +
        '(countersign log show CALL_ID --checkpoint FILE)';
  fail(
    'KEY_COMPROMISED',
    checkpointField,
    `The key that signed its checkpoint is compromised, and this is not its last trusted head. Ask the operator for a proof ${against}.`,
  );
}

function digestOfKey(spki: Uint8Array): string {
  return hex(sha256(spki));
}
