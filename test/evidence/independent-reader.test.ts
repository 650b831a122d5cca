import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { utf8 } from '../../src/call/sha256.ts';
import { exportLog } from '../../src/evidence/export.ts';
import { createLedger } from '../../src/ledger/create-ledger.ts';
import { memoryStore } from '../../src/ledger/store-memory.ts';
import { forgetfulCheckpoints } from '../../src/ledger/released-checkpoint.ts';
import type { LogStore } from '../../src/ledger/store.ts';
import { writeTileFiles } from '../../src/runtime/log/tile-files.ts';
import { checkpointSigner } from '../../src/tlog/checkpoint.ts';
import { leafHash } from '../../src/tlog/merkle.ts';
import { appendLeaves, emptyEdge, rootOf } from '../../src/tlog/tree.ts';
import type { TreeEdge } from '../../src/tlog/tree.ts';
import { signatureTypes } from '../../src/tlog/vkey.ts';
import { testLog } from '../ledger/log-key.ts';
import { readTiledLog } from './independent-reader.ts';

/**
 * A log of 100,000 entries, exported from a ledger and read by a reader that shares no code with it. The entries are
 * synthetic: texts and not statements, put into the store beside the sequencer, and nobody signed them. The head is signed,
 * and tree, tiles, bundles and checkpoint are made by the code that makes every log's.
 */
const size = 100_000;
const log = testLog('log.test.example');
const key = { name: log.origin, publicKey: log.identity.publicKey.slice(-32) };
const folder = mkdtempSync(join(tmpdir(), 'countersign-reader-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const entryText = (index: number): string => `synthetic entry ${index}`;
let edge: TreeEdge = emptyEdge;

/** One commit that brings the store to `to` entries. */
async function fill(store: LogStore, to: number): Promise<void> {
  const from = edge.size;
  const leaves = Array.from({ length: to - from }, (_, i) => utf8(entryText(from + i)));
  const hashes = leaves.map(leafHash);
  const { edge: grown, tiles } = appendLeaves(edge, hashes);
  edge = grown;
  const root = rootOf(edge);
  const checkpoint = checkpointSigner(log.origin, log.signer)({ size: to, root });
  const none = { knownSize: from, heads: [], permits: [], verdicts: [] };
  await store.commit(none, () => ({
    head: { size: to, root, checkpoint, lastTime: 0 },
    entries: leaves.map((leaf, i) => ({
      index: from + i,
      kind: 'change',
      callId: null,
      time: 0,
      leaf,
      leafHash: hashes[i]!,
      payload: leaf,
      timestamp: leaf,
    })),
    tiles,
    heads: new Map(),
    permits: new Map(),
    side: [],
    erased: [],
  }));
}

beforeAll(async () => {
  const store = memoryStore(log.identity);
  for (const to of [70_001, size]) {
    await fill(store, to);
    const released = forgetfulCheckpoints();
    const ledger = await createLedger({ store, signer: log.signer, origin: log.origin, released });
    await exportLog(ledger, writeTileFiles(folder), {
      logKeys: [{ ...key, type: signatureTypes.ed25519 }],
      trustedRoot: utf8('{}'),
    });
  }
});

describe('a log of 100,000 entries, exported in two steps', () => {
  it('is read whole by a reader that knows only the specification', () => {
    const seen: number[] = [];
    const read = readTiledLog(folder, key, (entry, i) => {
      if (entry.toString() !== entryText(i)) seen.push(i);
    });
    expect(read).toMatchObject({ size, bundles: 391 });
    expect(read.root.equals(rootOf(edge))).toBe(true);
    expect(seen).toEqual([]);
  });

  it('is refused by it when one bit of a file is another', () => {
    const files = [
      'tile/entries/390.p/160',
      'tile/0/200',
      'tile/1/000',
      'tile/1/001.p/134',
      'tile/2/000.p/1',
      'checkpoint',
    ];
    for (const path of files) {
      const file = join(folder, path);
      const whole = readFileSync(file);
      const changed = Buffer.from(whole);
      changed[20] = (changed[20] ?? 0) ^ 1;
      writeFileSync(file, changed);
      expect(() => readTiledLog(folder, key, () => undefined), path).toThrow();
      writeFileSync(file, whole);
    }
    expect(() => readTiledLog(folder, { ...key, name: 'other.example' }, () => undefined)).toThrow(
      /not signed/,
    );
  });
});
