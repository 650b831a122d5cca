import { base64, fromBase64 } from '../call/sha256.ts';
import { CountersignError } from '../errors.ts';
import { parseDecimal } from './decimal.ts';
import { hashLength, maxProofLength } from './merkle.ts';
import { maxNoteLength } from './note.ts';

/** A stand-alone proof of one entry, for tools that know only the log (https://c2sp.org/tlog-proof@v1). */
export interface TlogProof {
  readonly index: number;
  readonly hashes: readonly Uint8Array[];
  /** The signed note, text. */
  readonly checkpoint: string;
  /** Opaque, and signed by nobody. Absent where the text has no such line. */
  readonly extra?: Uint8Array;
}

const header = 'c2sp.org/tlog-proof@v1';
const extraPrefix = 'extra ';
const indexPrefix = 'index ';

/** Longer extra data is refused unread. */
export const maxExtraLength = 65_536;

const maxTextLength = maxNoteLength + 2 * maxExtraLength + 64 * (maxProofLength + 2);

export function formatTlogProof(proof: TlogProof): string {
  const lines = [
    header,
    ...(proof.extra === undefined ? [] : [`${extraPrefix}${base64(proof.extra)}`]),
    `${indexPrefix}${proof.index}`,
    ...proof.hashes.map(base64),
    '',
  ];
  const text = `${lines.join('\n')}\n${proof.checkpoint}`;
  if (parseTlogProof(text) === undefined) {
    throw new CountersignError(
      'INTERNAL',
      'A proof needs an index, at most 53 hashes of 32 bytes, and a checkpoint.',
    );
  }
  return text;
}

/** Strict: undefined unless exactly the specified lines. The checkpoint is taken as it is: `openCheckpoint` judges it. */
export function parseTlogProof(text: string): TlogProof | undefined {
  if (text.length > maxTextLength) return undefined;
  const end = text.indexOf('\n\n');
  const [first, second = '', ...rest] = text.slice(0, Math.max(end, 0)).split('\n');
  const checkpoint = text.slice(end + 2);
  if (first !== header || checkpoint === '') return undefined;
  if (!second.startsWith(extraPrefix)) return parseLines([second, ...rest], checkpoint);

  const extra = fromBase64(second.slice(extraPrefix.length));
  const proof = parseLines(rest, checkpoint);
  if (proof === undefined || extra === undefined || extra.length > maxExtraLength) return undefined;
  return { ...proof, extra };
}

function parseLines(
  [indexLine = '', ...hashLines]: readonly string[],
  checkpoint: string,
): TlogProof | undefined {
  if (!indexLine.startsWith(indexPrefix) || hashLines.length > maxProofLength) return undefined;
  const index = parseDecimal(indexLine.slice(indexPrefix.length));
  const hashes: Uint8Array[] = [];
  for (const line of hashLines) {
    const hash = fromBase64(line);
    if (hash?.length !== hashLength) return undefined;
    hashes.push(hash);
  }
  return index === undefined ? undefined : { index, hashes, checkpoint };
}
