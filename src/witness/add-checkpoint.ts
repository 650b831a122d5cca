import { equalBytes } from '../call/sha256.ts';
import { verifyConsistency } from '../tlog/merkle.ts';
import { formatNote } from '../tlog/note.ts';
import type { VerifierKey } from '../tlog/vkey.ts';
import { contradiction, refusedTree, signedByLog } from './fork.ts';
import type { Fork } from './fork.ts';
import type { AddCheckpoint } from './request.ts';
import type { Changes, Cosigned, LogState } from './store.ts';

/** Why a request was answered as it was: one word for logs and tests. */
export type Finding =
  | 'cosigned'
  | 'malformed'
  | 'log-unknown'
  | 'not-signed'
  | 'old-size-too-large'
  | 'old-size-differs'
  | 'root-differs'
  | 'proof-wrong'
  | 'clock-behind';

/** What a witness answers to a submission, and what it writes before it does. */
export type Decision = Changes &
  (
    | { readonly status: 200; readonly finding: 'cosigned'; readonly cosigned: Cosigned }
    | { readonly status: 409; readonly finding: Finding; readonly knownSize: number }
    | { readonly status: 422 | 503; readonly finding: Finding }
  );

/** A checkpoint that its log has signed. */
export interface Submission extends AddCheckpoint {
  /** The note with the lines of the log's trusted keys alone. */
  readonly note: string;
}

/** What is refused before the state of the log matters, in the order of the specification. */
export type Refusal =
  | { readonly status: 404; readonly finding: 'log-unknown' }
  | { readonly status: 403; readonly finding: 'not-signed' }
  | { readonly status: 400; readonly finding: 'old-size-too-large' };

/** Seconds by which a clock may be behind the last cosignature: it was set, as clocks are. That one's time is stated again. */
export const clockTolerance = 5;

/** Whether one of the log's keys signed what came in. */
export function admit(request: AddCheckpoint, keys: readonly VerifierKey[]): Submission | Refusal {
  if (keys.length === 0) return { status: 404, finding: 'log-unknown' };
  const note = signedByLog(request.checkpoint.note, keys);
  if (note === undefined) return { status: 403, finding: 'not-signed' };
  if (request.oldSize > request.checkpoint.size) return { status: 400, finding: 'old-size-too-large' };
  return { ...request, note: formatNote(note) };
}

/** The rules of https://c2sp.org/tlog-witness for a signed checkpoint. `now` is wall milliseconds. */
export function decide(state: LogState, submission: Submission, now: number): Decision {
  const { oldSize, checkpoint, proof } = submission;
  const { latest } = state;
  const knownSize = latest?.size ?? 0;
  if (state.sameSize !== null && !equalBytes(state.sameSize.root, checkpoint.root)) {
    // Whatever the old size is: two signed trees of one size are worth keeping.
    const forks = [{ ...fork(state.sameSize, submission, now), kind: 'same-size' as const, proof: [] }];
    return { status: 409, finding: 'root-differs', knownSize, forks };
  }
  if (oldSize !== knownSize) return { status: 409, finding: 'old-size-differs', knownSize, forks: [] };
  if (latest === null || latest.size === 0) {
    // Every tree continues the empty one: there is nothing to prove.
    if (proof.length > 0) return { status: 422, finding: 'proof-wrong', forks: [] };
  } else if (!continues(latest, submission)) {
    // Of the very tree that was cosigned, a wrong proof says nothing.
    if (checkpoint.size === latest.size) return { status: 422, finding: 'proof-wrong', forks: [] };
    const kind = contradiction(latest, checkpoint, proof) ?? 'unproven';
    return { status: 422, finding: 'proof-wrong', forks: [{ ...fork(latest, submission, now), kind }] };
  }
  return cosign(state, submission, now);
}

function continues(latest: Cosigned, { oldSize, checkpoint, proof }: Submission): boolean {
  return verifyConsistency({
    oldSize,
    newSize: checkpoint.size,
    oldRoot: latest.root,
    newRoot: checkpoint.root,
    hashes: proof,
  });
}

function cosign(state: LogState, { checkpoint, note }: Submission, now: number): Decision {
  const seconds = Math.floor(now / 1_000);
  const last = state.latest?.time ?? 0;
  // A cosignature says “at this time, the largest”: an earlier time than that of a smaller tree would be a lie.
  if (seconds < last - clockTolerance) return { status: 503, finding: 'clock-behind', forks: [] };
  const cosigned: Cosigned = {
    size: checkpoint.size,
    root: checkpoint.root,
    note,
    time: Math.max(seconds, last),
  };
  return { status: 200, finding: 'cosigned', cosigned, forks: provenBy(cosigned, state.suspected) };
}

/** Of what was suspected of this size, the trees that are not the one which is now cosigned: those are proven. */
function provenBy(cosigned: Cosigned, suspected: readonly Fork[]): readonly Fork[] {
  return suspected
    .filter((suspicion) => contradiction(cosigned, refusedTree(suspicion), []) !== undefined)
    .map((suspicion) => ({ ...suspicion, kind: 'same-size', cosigned: cosigned.note, proof: [] }));
}

function fork(cosigned: Cosigned, { checkpoint, note, proof }: Submission, now: number): Omit<Fork, 'kind'> {
  return { origin: checkpoint.origin, seenAt: now, cosigned: cosigned.note, refused: note, proof };
}
