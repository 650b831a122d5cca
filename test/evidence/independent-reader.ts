import { createHash, createPublicKey, hash as hashOnce, verify } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * A second reader of tiled logs, written from https://c2sp.org/tlog-tiles, https://c2sp.org/tlog-checkpoint,
 * https://c2sp.org/signed-note and RFC 6962 §2.1, with node:crypto and nothing of `src/`: an error in how we write a log must
 * not be repeated in how it is read here. It throws where the log is not what it says.
 */

export interface LogKey {
  /** The key's name, which is also the log's origin. */
  readonly name: string;
  /** 32 bytes, Ed25519. */
  readonly publicKey: Uint8Array;
}

export interface ReadLog {
  readonly size: number;
  readonly root: Buffer;
  /** Bundles that were read. */
  readonly bundles: number;
}

/** Reads every resource of the log under `directory` and holds each against the others, up to the signed checkpoint. */
export function readTiledLog(
  directory: string,
  key: LogKey,
  onEntry: (entry: Buffer, i: number) => void,
): ReadLog {
  const file = (path: string): Buffer => readFileSync(join(directory, path));
  const { size, root } = openCheckpoint(file('checkpoint'), key);

  // Entries against level 0, each level against the one below it.
  let row: Buffer[] = [];
  const bundles = Math.ceil(size / 256);
  for (let n = 0; n < bundles; n++) {
    const width = Math.min(256, size - n * 256);
    const entries = splitBundle(file(`tile/entries/${name(n, width)}`));
    const hashes = splitTile(file(`tile/0/${name(n, width)}`), width);
    must(entries.length === width, `bundle ${n} does not have ${width} entries`);
    for (const [i, entry] of entries.entries()) {
      must(hash(0, entry).equals(at(hashes, i)), `entry ${n * 256 + i} is not under its tile`);
      onEntry(entry, n * 256 + i);
    }
    row.push(...hashes);
  }
  const partial: Buffer[][] = [];
  for (let level = 0; ; level++) {
    const full = Math.floor(row.length / 256);
    partial.push(row.slice(full * 256));
    if (full === 0) break;
    const above = Array.from({ length: full }, (_, n) => treeHash(row.slice(n * 256, (n + 1) * 256)));
    const served: Buffer[] = [];
    for (let n = 0; n * 256 < full; n++) {
      const width = Math.min(256, full - n * 256);
      served.push(...splitTile(file(`tile/${level + 1}/${name(n, width)}`), width));
    }
    for (const [i, expected] of above.entries()) {
      must(
        expected.equals(at(served, i)),
        `level ${level + 1}: hash ${i} is not that of the full tile below`,
      );
    }
    row = above;
  }
  must(rootOf(partial).equals(root), 'the tiles do not lead to the root of the checkpoint');
  return { size, root, bundles };
}

/** What is left of each level, from the left: the highest level's hashes come first in the tree. */
function rootOf(partial: readonly (readonly Buffer[])[]): Buffer {
  let right: Buffer | undefined;
  for (const hashes of partial) {
    // Behind the complete subtrees of one level stands what the levels below it left over.
    let rest = [...hashes];
    while (rest.length > 0) {
      let width = 1;
      while (rest.length % (2 * width) === 0) width *= 2;
      const subtree = treeHash(rest.slice(rest.length - width));
      right = right === undefined ? subtree : hash(1, subtree, right);
      rest = rest.slice(0, rest.length - width);
    }
  }
  return right ?? createHash('sha256').digest();
}

/** RFC 6962 MTH over hashes whose number is a power of two. */
function treeHash(hashes: readonly Buffer[]): Buffer {
  let row = [...hashes];
  while (row.length > 1) {
    row = Array.from({ length: row.length / 2 }, (_, i) => hash(1, at(row, 2 * i), at(row, 2 * i + 1)));
  }
  return at(row, 0);
}

const prefixes = [Buffer.of(0), Buffer.of(1)] as const;

function hash(prefix: 0 | 1, ...parts: readonly Buffer[]): Buffer {
  return hashOnce('sha256', Buffer.concat([prefixes[prefix], ...parts]), 'buffer');
}

/** Zero-padded groups of three digits, all but the last behind an `x`; a partial resource names its width. */
function name(index: number, width: number): string {
  const groups: string[] = [];
  let rest = index;
  do {
    groups.unshift(String(rest % 1000).padStart(3, '0'));
    rest = Math.floor(rest / 1000);
  } while (rest > 0);
  const path = groups.map((group, i) => (i < groups.length - 1 ? `x${group}` : group)).join('/');
  return width === 256 ? path : `${path}.p/${width}`;
}

function splitTile(tile: Buffer, width: number): Buffer[] {
  must(tile.length === 32 * width, 'a tile has another width than its name says');
  return Array.from({ length: width }, (_, i) => tile.subarray(32 * i, 32 * i + 32));
}

function splitBundle(bundle: Buffer): Buffer[] {
  const entries: Buffer[] = [];
  for (let offset = 0; offset < bundle.length;) {
    const length = bundle.readUInt16BE(offset);
    offset += 2 + length;
    must(offset <= bundle.length, 'a bundle is cut off');
    entries.push(bundle.subarray(offset - length, offset));
  }
  return entries;
}

/** The signed note's text up to and with its last newline before the empty line; then the signature lines. */
function openCheckpoint(note: Buffer, { name: origin, publicKey }: LogKey): { size: number; root: Buffer } {
  const text = note.toString('utf8');
  const end = text.lastIndexOf('\n\n');
  const [body, lines] = [text.slice(0, end + 1), text.slice(end + 2)];
  const id = createHash('sha256')
    .update(`${origin}\n`)
    .update(Buffer.of(1))
    .update(publicKey)
    .digest()
    .subarray(0, 4);
  const spki = Buffer.concat([Buffer.from('302a300506032b6570032100', 'hex'), publicKey]);
  const verifier = createPublicKey({ key: spki, format: 'der', type: 'spki' });
  const signed = lines.split('\n').some((line) => {
    const [dash, signer, base64] = line.split(' ');
    if (dash !== '—' || signer !== origin || base64 === undefined) return false;
    const bytes = Buffer.from(base64, 'base64');
    return bytes.subarray(0, 4).equals(id) && verify(null, Buffer.from(body), verifier, bytes.subarray(4));
  });
  must(signed, 'the checkpoint is not signed by the log');
  const [stated, size, root] = body.split('\n');
  must(stated === origin && /^(?:0|[1-9]\d*)$/.test(size ?? ''), 'the checkpoint is of another form');
  return { size: Number(size), root: Buffer.from(root ?? '', 'base64') };
}

function at<T>(items: readonly T[], index: number): T {
  const item = items[index];
  if (item === undefined) throw new Error(`there is nothing at ${index}`);
  return item;
}

function must(holds: boolean, otherwise: string): void {
  if (!holds) throw new Error(otherwise);
}
