import { base64, concatBytes, equalBytes, fromBase64, utf8 } from '../call/sha256.ts';
import { signatureLength, verifyEd25519 } from './ed25519.ts';
import { keyIdLength, noteKeyId, signatureTypes } from './vkey.ts';
import type { VerifierKey } from './vkey.ts';

/** One signature line of a note. Who it says it is from proves nothing until it verifies. */
export interface NoteSignature {
  readonly name: string;
  /** Four bytes. */
  readonly keyId: Uint8Array;
  /** What follows the key id. */
  readonly signature: Uint8Array;
}

/** A signed note (https://c2sp.org/signed-note), parsed and not verified. */
export interface Note {
  /** The signed text, its last newline included. */
  readonly text: string;
  readonly signatures: readonly NoteSignature[];
}

/** Longer notes are refused unread: room for sixteen post-quantum signatures, not for a flood. */
export const maxNoteLength = 131_072;
export const maxNoteSignatures = 32;

const separator = '\n\n';
const linePattern = /^\u2014 ([^\s\u0085+]+) ([A-Za-z0-9+/]+={0,2})$/u;
// All controls but newline, as the specification says.
const controlPattern = /[\0-\t\v-\x1f]/;

/** The note's text form. Its text must end with a newline. */
export function formatNote(note: Note): string {
  return `${note.text}\n${note.signatures.map(formatSignatureLine).join('')}`;
}

/** One line of a note below its empty line, its newline included. */
export function formatSignatureLine({ name, keyId, signature }: NoteSignature): string {
  return `\u2014 ${name} ${base64(concatBytes(keyId, signature))}\n`;
}

/**
 * Strict: undefined unless text, empty line, and at least one signature line, each of exactly the specified form, with
 * canonical base64. The text is not to be looked at before a signature verified.
 */
export function parseNote(source: string): Note | undefined {
  if (source.length > maxNoteLength || controlPattern.test(source) || !source.isWellFormed())
    return undefined;
  const end = source.lastIndexOf(separator);
  if (end < 0 || !source.endsWith('\n')) return undefined;
  const lines = source.slice(end + separator.length, -1).split('\n');
  if (lines.length > maxNoteSignatures) return undefined;
  const signatures: NoteSignature[] = [];
  for (const line of lines) {
    const signature = parseSignatureLine(line);
    if (signature === undefined) return undefined;
    signatures.push(signature);
  }
  return { text: source.slice(0, end + 1), signatures };
}

function parseSignatureLine(line: string): NoteSignature | undefined {
  const [, name, encoded] = linePattern.exec(line) ?? [];
  const bytes = encoded === undefined ? undefined : fromBase64(encoded);
  if (name === undefined || bytes === undefined || bytes.length <= keyIdLength) return undefined;
  return { name, keyId: bytes.subarray(0, keyIdLength), signature: bytes.subarray(keyIdLength) };
}

/** The note's signature lines that name this key. */
export function signaturesBy(note: Note, key: VerifierKey): readonly NoteSignature[] {
  const id = noteKeyId(key);
  return note.signatures.filter(({ name, keyId }) => name === key.name && equalBytes(keyId, id));
}

/**
 * Whether the note is signed by this key, as a log (Ed25519) or as a witness (cosignature/v1). Several lines of the same
 * key must all verify: a reader that takes another one of them must not come to another answer.
 */
export function verifyNoteSignature(note: Note, key: VerifierKey): boolean {
  const lines = signaturesBy(note, key);
  return lines.length > 0 && lines.every(({ signature }) => verifyLine(note.text, signature, key));
}

/**
 * When a witness says that it saw this checkpoint, POSIX seconds; undefined unless its cosignature verifies. The earliest,
 * when it signed more than once.
 */
export function cosignatureTime(note: Note, key: VerifierKey): number | undefined {
  if (key.type !== signatureTypes.cosignatureV1 || !verifyNoteSignature(note, key)) return undefined;
  return Math.min(...signaturesBy(note, key).map(({ signature }) => timeOf(signature)));
}

function verifyLine(text: string, signature: Uint8Array, key: VerifierKey): boolean {
  if (key.type === signatureTypes.ed25519) return verifyEd25519(signature, utf8(text), key.publicKey);
  if (signature.length !== timeLength + signatureLength) return false;
  const time = timeOf(signature);
  if (!Number.isSafeInteger(time)) return false;
  return verifyEd25519(signature.subarray(timeLength), cosignedMessage(text, time), key.publicKey);
}

/** Bytes of the time in a cosignature. */
export const timeLength = 8;

/** The message of https://c2sp.org/tlog-cosignature: header and time, then the whole checkpoint body. */
export function cosignedMessage(text: string, time: number): Uint8Array {
  return utf8(`cosignature/v1\ntime ${time}\n${text}`);
}

/** Big-endian 64 bits; beyond 2^53 the number is not exact, and not safe. */
function timeOf(signature: Uint8Array): number {
  const view = new DataView(signature.buffer, signature.byteOffset, signature.byteLength);
  return view.getUint32(0) * 2 ** 32 + view.getUint32(4);
}
