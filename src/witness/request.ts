import { fromBase64, fromUtf8 } from '../call/sha256.ts';
import { parseCheckpoint } from '../tlog/checkpoint.ts';
import type { ParsedCheckpoint } from '../tlog/checkpoint.ts';
import { parseDecimal } from '../tlog/decimal.ts';
import { hashLength } from '../tlog/merkle.ts';
import { maxNoteLength } from '../tlog/note.ts';

/** The body of an add-checkpoint request (https://c2sp.org/tlog-witness). Nothing of it is verified. */
export interface AddCheckpoint {
  /** The size that the caller takes for the witness's newest of this log. */
  readonly oldSize: number;
  /** A consistency proof from there to the checkpoint; 32 bytes each. */
  readonly proof: readonly Uint8Array[];
  readonly checkpoint: ParsedCheckpoint;
}

/** As the specification says; the longest real proof has 54. */
export const maxProofLines = 63;

/** Characters of a checkpoint's signed text. What a log signs is kept, so there has to be an end to it. */
export const maxCheckpointText = 8_192;

/** `old ` and 16 digits, or 44 characters of base64, with the newline. */
const maxLineLength = 45;

/** Bytes of a whole request: a longer one is not even read. */
export const maxRequestLength = (maxProofLines + 2) * maxLineLength + maxNoteLength;

/** Strict: undefined for whatever the specification would not let a client send. */
export function parseAddCheckpoint(body: Uint8Array): AddCheckpoint | undefined {
  if (body.length > maxRequestLength) return undefined;
  const text = fromUtf8(body);
  // No line before the note is empty, so the first empty line is the one that begins it.
  const end = text?.indexOf('\n\n') ?? -1;
  if (text === undefined || end < 0) return undefined;
  const [first = '', ...lines] = text.slice(0, end).split('\n');
  const oldSize = first.startsWith('old ') ? parseDecimal(first.slice('old '.length)) : undefined;
  if (oldSize === undefined || lines.length > maxProofLines) return undefined;
  const proof = lines.map(parseHash).filter((hash) => hash !== undefined);
  if (proof.length < lines.length) return undefined;
  const checkpoint = parseCheckpoint(text.slice(end + 2));
  if (checkpoint === undefined || checkpoint.note.text.length > maxCheckpointText) return undefined;
  return { oldSize, proof, checkpoint };
}

function parseHash(line: string): Uint8Array | undefined {
  const hash = fromBase64(line);
  return hash?.length === hashLength ? hash : undefined;
}
