import { readAtMost } from '../call/read-at-most.ts';
import { base64, fromUtf8 } from '../call/sha256.ts';
import { CountersignError } from '../errors.ts';
import { parseDecimal } from '../tlog/decimal.ts';
import { cosignatureTime, parseNote, signaturesBy } from '../tlog/note.ts';
import type { NoteSignature } from '../tlog/note.ts';
import type { SignedHead } from '../tlog/proof.ts';
import type { VerifierKey } from '../tlog/vkey.ts';
import type { Ledger } from './ledger.ts';

/** Who else sees this log's heads, and where to ask. */
export interface WitnessAddress {
  /** The submission prefix (https://c2sp.org/tlog-witness). */
  readonly url: string;
  /** A cosignature key: what the witness answers is believed under this key alone. */
  readonly key: VerifierKey;
  /** Milliseconds that one asking may take, all its requests together; 3,000 unless told. */
  readonly timeout?: number;
}

export type WitnessAnswer =
  /** `time` is POSIX seconds. */
  | { readonly kind: 'cosigned'; readonly signature: NoteSignature; readonly time: number }
  /** It has cosigned a larger tree than the one that it was shown. */
  | { readonly kind: 'ahead'; readonly size: number }
  /** It says that it has cosigned a tree that this one does not continue. */
  | { readonly kind: 'forked'; readonly message: string }
  | { readonly kind: 'failed'; readonly message: string };

/** The part of the log that a witness is shown. */
export type WitnessedLog = Pick<Ledger, 'checkpoint' | 'proveConsistency'>;

export interface WitnessClient {
  readonly key: VerifierKey;
  /** Shows the witness a head of the log, and how it continues the last one that the witness saw. Never rejects. */
  ask(head: SignedHead): Promise<WitnessAnswer>;
}

export interface WitnessClientOptions {
  readonly log: Pick<WitnessedLog, 'proveConsistency'>;
  /** Wall milliseconds. */
  readonly now: () => number;
}

/** Bytes of an answer that are read. A cosignature line has some 150. */
const maxAnswerLength = 8_192;
/** Milliseconds that the witness's clock may be off: less than a verifier's tolerance, which has to accept the answer. */
const clockTolerance = 30_000;
/** Other gates of the same log ask the same witness: its size can move between two of our requests. */
const maxRequests = 4;
const defaultTimeout = 3_000;

/** One witness, over HTTP. It remembers in memory how much of the log the witness has seen. */
export function createWitnessClient(
  { url, key, timeout = defaultTimeout }: WitnessAddress,
  { log, now }: WitnessClientOptions,
): WitnessClient {
  const endpoint = `${url.replace(/\/+$/, '')}/add-checkpoint`;
  let seen = 0;

  const askUntilAgreed = async (head: SignedHead, signal: AbortSignal): Promise<WitnessAnswer> => {
    for (let request = 1; request <= maxRequests; request += 1) {
      const old = Math.min(seen, head.size);
      const askedAt = now();
      const answer = await post(endpoint, await requestBody(log, old, head), signal);
      switch (answer.status) {
        case 200: {
          const cosigned = readCosignature(answer.body, head, key, { from: askedAt, to: now() });
          if (cosigned.kind === 'cosigned') seen = head.size;
          return cosigned;
        }
        case 409: {
          const told = readConflict(answer.body, old, head.size);
          if (told.kind !== 'behind') return told;
          seen = told.size;
          break;
        }
        case 422:
          // The proof holds against our own tree, or it would not have been sent: theirs is another one.
          return old > 0
            ? { kind: 'forked', message: `its tree of ${old} entries is not the beginning of this log` }
            : { kind: 'failed', message: 'it refused a first checkpoint for its proof, which is empty' };
        default:
          return { kind: 'failed', message: whyRefused(answer.status) };
      }
    }
    return { kind: 'failed', message: 'the size that it has seen changed with every request' };
  };

  return {
    key,
    async ask(head) {
      const deadline = new AbortController();
      const timer = setTimeout(() => deadline.abort(), timeout);
      try {
        return await askUntilAgreed(head, deadline.signal);
      } catch (error) {
        return { kind: 'failed', message: whyFailed(error, deadline.signal.aborted) };
      } finally {
        clearTimeout(timer);
      }
    },
  };
}

/** https://c2sp.org/tlog-witness: the old size, the proof, an empty line, the checkpoint. */
async function requestBody(
  log: WitnessClientOptions['log'],
  old: number,
  { size, checkpoint }: SignedHead,
): Promise<string> {
  const hashes = old === 0 || old === size ? [] : (await log.proveConsistency(old, size)).hashes;
  return `old ${old}\n${hashes.map((hash) => `${base64(hash)}\n`).join('')}\n${checkpoint}`;
}

interface Answered {
  readonly status: number;
  readonly body: string;
}

/** Redirects are not followed: it is the witness that was named. */
async function post(endpoint: string, body: string, signal: AbortSignal): Promise<Answered> {
  const answer = await fetch(endpoint, { method: 'POST', body, redirect: 'manual', signal });
  if (answer.status === 200 || answer.status === 409) {
    return { status: answer.status, body: await readText(answer) };
  }
  await answer.body?.cancel();
  return { status: answer.status, body: '' };
}

/** A witness could send without end. */
async function readText(answer: Response): Promise<string> {
  const bytes = await readAtMost(answer.body, maxAnswerLength);
  if (bytes === undefined) throw new AnswerUnfit(`its answer has more than ${maxAnswerLength} bytes`);
  return fromUtf8(bytes) ?? '';
}

class AnswerUnfit extends Error {}

/** What a conflict comes to. `behind`: the witness merely wants a proof from the size that it tells. */
function readConflict(
  body: string,
  old: number,
  shown: number,
): WitnessAnswer | { readonly kind: 'behind'; readonly size: number } {
  const size = body.endsWith('\n') ? parseDecimal(body.slice(0, -1)) : undefined;
  if (size !== undefined && size > shown) return { kind: 'ahead', size };
  if (size !== undefined && size !== old) return { kind: 'behind', size };
  // Nothing but the root is left to disagree about.
  if (old === shown) return { kind: 'forked', message: `it has seen another tree of ${shown} entries` };
  return { kind: 'failed', message: 'its answers about the size that it has seen contradict each other' };
}

/** Only the one line of the one key is taken over, and only if it verifies and was made while we waited for it. */
function readCosignature(
  body: string,
  { checkpoint }: SignedHead,
  key: VerifierKey,
  asked: { readonly from: number; readonly to: number },
): WitnessAnswer {
  const note = parseNote(checkpoint + body);
  // An empty line in the answer would move the end of the text that is signed.
  if (note === undefined || note.text !== parseNote(checkpoint)?.text) {
    return { kind: 'failed', message: 'its answer is no list of signature lines' };
  }
  const [signature, ...others] = signaturesBy(note, key);
  const time = cosignatureTime(note, key);
  if (signature === undefined) return { kind: 'failed', message: 'it did not sign with the configured key' };
  if (time === undefined || others.length > 0) {
    return { kind: 'failed', message: 'its cosignature does not hold' };
  }
  // It states whole seconds, cut off.
  const plausible =
    time * 1000 + 999 >= asked.from - clockTolerance && time * 1000 <= asked.to + clockTolerance;
  return plausible
    ? { kind: 'cosigned', signature, time }
    : { kind: 'failed', message: 'its clock and this one differ by more than 30 seconds' };
}

function whyRefused(status: number): string {
  switch (status) {
    case 403:
      return 'it does not accept the key of this log (403)';
    case 404:
      return 'it does not know this log (404)';
    default:
      return `it answered ${status}`;
  }
}

function whyFailed(error: unknown, timedOut: boolean): string {
  if (timedOut) return 'it did not answer in time';
  if (error instanceof AnswerUnfit) return error.message;
  if (error instanceof CountersignError) return `this log cannot prove its history (${error.code})`;
  return 'it cannot be reached';
}
