import { formatCheckpoint } from '../../src/tlog/checkpoint.ts';
import type { Checkpoint } from '../../src/tlog/checkpoint.ts';
import { formatNote } from '../../src/tlog/note.ts';
import { mth, subproof, testLeafHashes } from '../tlog/reference.ts';
import { testKey } from '../tlog/test-keys.ts';
import type { TestKey } from '../tlog/test-keys.ts';

/** A log that a witness follows. Trees and proofs are made by the reference, signatures by node:crypto. */
export interface WatchedLog {
  readonly origin: string;
  readonly key: TestKey;
  /** The signed head of the first `size` leaves; with `by`, signed by these keys. */
  checkpoint(size: number, by?: readonly TestKey[]): string;
  root(size: number): Uint8Array;
  proof(from: number, to: number): readonly Uint8Array[];
  /** A submission as the specification has it. */
  request(from: number, to: number, by?: readonly TestKey[]): string;
  /** A log of the same key that shares the first `at` leaves with this one. */
  fork(at: number): WatchedLog;
}

export function watchedLog(origin = 'log.example.org', key = testKey(origin)): WatchedLog {
  return logOf(origin, key, testLeafHashes(200));
}

function logOf(origin: string, key: TestKey, leaves: readonly Uint8Array[]): WatchedLog {
  const root = (size: number): Uint8Array => mth(leaves.slice(0, size));
  const checkpoint = (size: number, by: readonly TestKey[] = [key]): string =>
    signedHead({ origin, size, root: root(size) }, by);
  const proof = (from: number, to: number): readonly Uint8Array[] =>
    from === 0 ? [] : subproof(from, leaves.slice(0, to));
  return {
    origin,
    key,
    checkpoint,
    root,
    proof,
    request: (from, to, by) => requestOf(from, from > to ? [] : proof(from, to), checkpoint(to, by)),
    fork: (at) => logOf(origin, key, [...leaves.slice(0, at), ...testLeafHashes(200, 1_000)]),
  };
}

/** A signed checkpoint, of any root. */
export function signedHead(head: Checkpoint, by: readonly TestKey[]): string {
  const text = formatCheckpoint(head);
  return formatNote({ text, signatures: by.map((each) => each.line(text)) });
}

export function requestOf(old: number | string, proof: readonly Uint8Array[], checkpoint: string): string {
  const lines = [`old ${old}`, ...proof.map((hash) => Buffer.from(hash).toString('base64'))];
  return `${lines.join('\n')}\n\n${checkpoint}`;
}
