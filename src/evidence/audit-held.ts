import { equalBytes, fromUtf8, hex } from '../call/sha256.ts';
import { CountersignError } from '../errors.ts';
import { openCheckpoint, parseCheckpoint } from '../tlog/checkpoint.ts';
import { CheckFailed } from '../verify/codes.ts';
import { readDocument, splitDocuments } from '../verify/documents.ts';
import { verifyEnvelope } from '../verify/envelope.ts';
import type { Trust } from '../verify/trust.ts';
import type { Predecessor } from './audit-genesis.ts';
import { logKeysOf } from './audit-head.ts';
import { forked, shorter } from './audit-start.ts';
import type { AuditTree } from './audit-tree.ts';
import type { Faults } from './faults.ts';
import type { TreeHead } from './prefix.ts';

/** Something that somebody else has: a checkpoint, or envelopes in any of the forms that verify takes. */
export interface HeldFile {
  /** For the report: a file name. */
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** A head that the log signed, and who can show it. */
export interface HeldHead extends TreeHead {
  readonly origin: string;
  readonly name: string;
}

/**
 * The heads in what others hold. An envelope counts as evidence only when it verifies, and then it stands in the tree of its
 * head: that the log continues the head says that the entry is in it. CONFIG_INVALID for what is neither.
 */
export async function readHeld(files: readonly HeldFile[], trust: Trust): Promise<readonly HeldHead[]> {
  const heads = new Map<string, HeldHead>();
  for (const file of files) {
    for (const head of await headsIn(file, trust)) {
      const { origin, size, root } = head;
      const name = `${origin} ${size} ${hex(root)}`;
      if (!heads.has(name)) heads.set(name, head);
    }
  }
  return [...heads.values()];
}

async function headsIn({ name, bytes }: HeldFile, trust: Trust): Promise<readonly HeldHead[]> {
  const text = fromUtf8(bytes) ?? '';
  if (parseCheckpoint(text) !== undefined) {
    const opened = logKeysOf(trust).map((key) => openCheckpoint(text, key));
    const checkpoint = opened.find((head) => head !== undefined);
    if (checkpoint === undefined) throw refused(name, 'no log of the trust root signed this checkpoint.');
    const { origin, size, root } = checkpoint;
    return [{ name, origin, size, root }];
  }
  const heads: HeldHead[] = [];
  for (const { line, bytes: document } of splitDocuments(bytes)) {
    const where = line === undefined ? name : `${name}:${line}`;
    for (const bundle of bundlesIn(document, where)) {
      const result = await verifyEnvelope(bundle, trust);
      if (!result.ok) {
        const [failure] = result.failures;
        throw refused(where, `this envelope does not verify (${failure?.code ?? 'unknown'}).`);
      }
      const { log, treeSize: size, rootHash: root } = result.place;
      heads.push({ name: where, origin: log.origin, size, root });
    }
  }
  if (heads.length === 0) throw refused(name, 'there is no checkpoint and no envelope in it.');
  return heads;
}

function bundlesIn(document: Uint8Array, where: string): readonly Parameters<typeof verifyEnvelope>[0][] {
  try {
    const content = readDocument(document);
    if (content.kind === 'bundle') return [content.bundle];
    const { verdict, outcome } = content.answer;
    return outcome === undefined ? [verdict] : [verdict, outcome];
  } catch (thrown) {
    if (!(thrown instanceof CheckFailed)) throw thrown;
    throw refused(where, `this is no checkpoint and no envelope: ${thrown.failure.message}`);
  }
}

function refused(name: string, why: string): CountersignError {
  return new CountersignError('CONFIG_INVALID', `${name}: ${why}`);
}

/** Holds the growing tree against what others hold: each head of theirs must be a beginning of it. */
export interface HeldAudit {
  /** Before the first leaf, and after each. */
  look(): void;
  /** What the log's first entry says that it goes on from: heads of that log are held against it. */
  goesOnFrom(predecessor: Predecessor): void;
  report(): { readonly heads: number; readonly otherLogs: number };
}

export function watchHeld(
  held: readonly HeldHead[],
  head: Predecessor,
  tree: AuditTree,
  faults: Faults,
): HeldAudit {
  const own = held.filter(({ origin }) => origin === head.origin);
  let others = held.filter(({ origin }) => origin !== head.origin);
  const bySize = new Map<number, HeldHead[]>();
  for (const one of own) {
    const { name, size, root } = one;
    if (size > head.size) faults.add(shorter(head.size, size, name));
    else if (size < tree.size) tree.check(one, () => faults.add(forked(size, root, undefined, name)));
    else bySize.set(size, [...(bySize.get(size) ?? []), one]);
  }
  return {
    look() {
      for (const { name, size, root } of bySize.get(tree.size) ?? []) {
        if (!equalBytes(root, tree.root)) faults.add(forked(size, root, tree.root, name));
      }
    },
    goesOnFrom(cited) {
      for (const { name, size, root } of others.filter(({ origin }) => origin === cited.origin)) {
        const message = contradiction(cited, size, root);
        if (message === undefined) continue;
        faults.add({ code: 'PREDECESSOR_FORKED', index: 0, message: `${message} See ${name}.` });
      }
      others = others.filter(({ origin, size }) => origin !== cited.origin || size < cited.size);
    },
    report: () => ({ heads: held.length, otherLogs: others.length }),
  };
}

/** A smaller tree of the older log says nothing by itself: its own export shows whether it was a beginning. */
function contradiction(cited: Predecessor, size: number, root: Uint8Array): string | undefined {
  if (size > cited.size) {
    return `It goes on from ${cited.origin} with ${cited.size} entries, which had signed ${size}: the rest is left out.`;
  }
  if (size < cited.size || equalBytes(root, cited.root)) return undefined;
  return `It goes on from a tree of ${size} entries that ${cited.origin} does not have under the head of that size.`;
}
