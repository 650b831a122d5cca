import { equalBytes, hex } from '../call/sha256.ts';
import { CountersignError } from '../errors.ts';
import { cosignatureTime, parseNote, signaturesBy } from '../tlog/note.ts';
import { parseVkey, signatureTypes } from '../tlog/vkey.ts';
import type { VerifierKey } from '../tlog/vkey.ts';
import { fail } from './codes.ts';
import { ed25519Raw } from './crypto.ts';
import { clockTolerance } from './limits.ts';
import type { Trust } from './trust.ts';

/**
 * How much else than the home's own word stands behind a log's head. `self`: log and clock are those of the trust root. `witnessed(n)`:
 * n of the witnesses that the verifier named have seen it as a continuation of all that they saw before.
 */
export type Assurance = 'self' | `witnessed(${number})`;

/** Which of the verifier's witnesses have seen a head. */
export interface Cosigned {
  /** How many: who has several names, or several keys, is one. */
  readonly count: number;
  readonly names: readonly string[];
  /** Wall milliseconds, a whole second: the earliest time at which one of them says that it saw it. */
  readonly since: number;
}

const field = 'verificationMaterial.tlogEntries[0].inclusionProof.checkpoint';

/**
 * Reads witness keys, a vkey a line (https://c2sp.org/signed-note, type 04); empty lines and lines that begin with # are skipped.
 *
 * @throws CountersignError `CONFIG_INVALID`
 */
export function loadWitnesses(text: string): readonly VerifierKey[] {
  const lines = text.split(/\r?\n/).map((line) => line.trim());
  const keys = lines.filter((line) => line !== '' && !line.startsWith('#')).map(readKey);
  if (keys.length > 0) return keys;
  throw new CountersignError('CONFIG_INVALID', 'There is no witness key here.');
}

function readKey(line: string): VerifierKey {
  const key = parseVkey(line);
  if (key?.type === signatureTypes.cosignatureV1) return key;
  throw new CountersignError(
    'CONFIG_INVALID',
    key === undefined
      ? 'This is no witness key: it is a vkey, NAME+8 hex digits+base64.'
      : 'This vkey is that of a log: a witness’s is of the type 04.',
  );
}

/** Undefined for any text that is none; `witnessed` alone means one witness. */
export function parseAssurance(text: string): Assurance | undefined {
  if (text === 'self') return text;
  const [, count = '1'] = /^witnessed(?:\(([1-9][0-9]?)\))?$/.exec(text) ?? ['', ''];
  return count === '' ? undefined : `witnessed(${Number(count)})`;
}

export function assuranceOf(cosigned: Cosigned | undefined): Assurance {
  return cosigned === undefined ? 'self' : `witnessed(${cosigned.count})`;
}

/** Whether so many witnesses cosigned. Nothing meets a demand that cannot be read. */
export function isAtLeast(cosigned: Cosigned | undefined, demanded: Assurance): boolean {
  if (demanded === 'self') return true;
  const count = Number(/^witnessed\((\d+)\)$/.exec(demanded)?.[1] ?? NaN);
  return (cosigned?.count ?? 0) >= count;
}

/**
 * Who of `witnesses` cosigned the checkpoint; undefined when nobody did. Lines of other keys are left alone. A line that says it is a
 * named witness’s and does not hold refuses the checkpoint: another reader could take it for one that does.
 */
export function readCosignatures(
  checkpoint: string,
  { transparencyLogs }: Pick<Trust, 'transparencyLogs'>,
  witnesses: readonly VerifierKey[],
): Cosigned | undefined {
  const note = parseNote(checkpoint);
  if (note === undefined) return undefined;
  const seen = new Map<VerifierKey, number>();
  for (const key of witnesses) {
    // A log that vouches for itself is no witness.
    const isLog = transparencyLogs.some((log) => equalBytes(key.publicKey, ed25519Raw(log.key)));
    if (isLog || signaturesBy(note, key).length === 0) continue;
    const time = cosignatureTime(note, key);
    if (time === undefined) {
      return fail('COSIGNATURE_INVALID', field, `The cosignature of ${key.name} does not hold.`);
    }
    seen.set(key, time);
  }
  if (seen.size === 0) return undefined;
  const witnessOf = tellApart(witnesses);
  return {
    count: new Set([...seen.keys()].map(witnessOf)).size,
    names: [...new Set([...seen.keys()].map(({ name }) => name))],
    since: Math.min(...seen.values()) * 1_000,
  };
}

/** Keys that share a name, and names that share a key, are one witness's: gives each key a mark of its witness. */
function tellApart(keys: readonly VerifierKey[]): (key: VerifierKey) => string {
  const parent = new Map<string, string>();
  const find = (mark: string): string => {
    const above = parent.get(mark);
    return above === undefined ? mark : find(above);
  };
  const marksOf = ({ name, publicKey }: VerifierKey) => [`name ${name}`, `key ${hex(publicKey)}`] as const;
  for (const key of keys) {
    const [name, publicKey] = marksOf(key).map(find);
    if (name !== undefined && publicKey !== undefined && name !== publicKey) parent.set(name, publicKey);
  }
  return (key) => find(marksOf(key)[0]);
}

/** What is in a tree was stamped before anybody saw the tree. */
export function requireSeenAfter(cosigned: Cosigned | undefined, stamped: number): void {
  // It states whole seconds, cut off.
  if (cosigned !== undefined && cosigned.since + 999 < stamped - clockTolerance) {
    fail('TIME_CONTRADICTION', field, 'A witness saw the tree before the statement in it was stamped.');
  }
}
