import { base64, fromBase64, hex } from '../../call/sha256.ts';
import { CountersignError } from '../../errors.ts';
import { parseCheckpoint } from '../../tlog/checkpoint.ts';
import { provenFork, refusedTree } from '../../witness/fork.ts';
import type { Fork, ForkKind } from '../../witness/fork.ts';
import { logKey } from './witness-logs.ts';
import type { OpenedWitness } from './witness.ts';

/** A piece of evidence as JSON: what a witness gives to others. */
export interface ForkJson {
  readonly origin: string;
  readonly kind: ForkKind;
  readonly seenAt: string;
  /** Signed notes. */
  readonly cosigned: string;
  readonly refused: string;
  /** The consistency proof between them that came with the refused one, base64. */
  readonly proof: readonly string[];
}

/** Size and root of the two trees, for people. */
export interface ForkTrees {
  readonly cosigned: { readonly size: number; readonly root: string };
  readonly refused: { readonly size: number; readonly root: string };
}

/** The oldest first. */
export function forksOf({ books }: OpenedWitness): readonly ForkJson[] {
  return books.forks().map(({ origin, kind, seenAt, cosigned, refused, proof }) => ({
    origin,
    kind,
    seenAt: new Date(seenAt).toISOString(),
    cosigned,
    refused,
    proof: proof.map(base64),
  }));
}

export function treesOf({ cosigned, refused }: Pick<ForkJson, 'cosigned' | 'refused'>): ForkTrees {
  const plain = (note: string) => {
    const { size, root } = refusedTree({ refused: note });
    return { size, root: hex(root) };
  };
  return { cosigned: plain(cosigned), refused: plain(refused) };
}

export interface CheckedFork {
  /** As the refused note states it. */
  readonly origin: string;
  /** What the two signed notes prove by themselves, whatever the witness says of them. */
  readonly proven: 'same-size' | 'prefix' | null;
}

/** Checks evidence against the log's keys alone. CONFIG_INVALID when it is no list of evidence. */
export function checkForks(text: string, vkeys: readonly string[]): readonly CheckedFork[] {
  const keys = vkeys.map(logKey);
  return parseForks(text).map((fork) => ({
    origin: parseCheckpoint(fork.refused)?.origin ?? '',
    proven: provenFork(fork, keys) ?? null,
  }));
}

type Evidence = Pick<Fork, 'cosigned' | 'refused' | 'proof'>;

function parseForks(text: string): readonly Evidence[] {
  let list: unknown;
  try {
    list = JSON.parse(text);
  } catch {
    throw notEvidence();
  }
  if (!Array.isArray(list)) throw notEvidence();
  return list.map(parseFork);
}

function parseFork(value: unknown): Evidence {
  const { cosigned, refused, proof } = Object(value) as Record<string, unknown>;
  if (typeof cosigned !== 'string' || typeof refused !== 'string' || !Array.isArray(proof))
    throw notEvidence();
  const hashes = proof.map((hash) => (typeof hash === 'string' ? fromBase64(hash) : undefined) ?? none());
  return { cosigned, refused, proof: hashes };
}

function none(): never {
  throw notEvidence();
}

function notEvidence(): CountersignError {
  return new CountersignError('CONFIG_INVALID', 'This is not what “witness forks --json” prints.');
}
