import { beforeAll, describe, expect, it } from 'vitest';
import { fromUtf8, utf8 } from '../../src/call/sha256.ts';
import { decodeEntryBundle, encodeEntryBundle } from '../../src/tlog/tile.ts';
import { growTree } from '../../src/evidence/audit-tree.ts';
import { collectFaults } from '../../src/evidence/faults.ts';
import { decodeStatementBundle, encodeStatementBundle } from '../../src/evidence/statement-bundle.ts';
import { flipBit } from '../tlog/reference.ts';
import { testTrustSystem } from '../support/trust-system.ts';
import type { TestTrustSystem } from '../support/trust-system.ts';
import { audit, exported, faultsOf, fillTo, MadeLog, MadeSession, MemoryTree } from './made-log.ts';

let system: TestTrustSystem;
let log: MadeLog;
let tree: MemoryTree;
beforeAll(async () => {
  system = await testTrustSystem();
  log = new MadeLog(system);
  await log.open();
  await fillTo(log, 300);
  tree = await exported(log);
});

/** The export with one file changed by whoever keeps it. */
function forged(path: string, change: (bytes: Uint8Array) => Uint8Array | undefined): MemoryTree {
  const copy = tree.copy();
  const bytes = copy.files.get(path);
  if (bytes === undefined) throw new Error(`no ${path}`);
  const changed = change(bytes);
  if (changed === undefined) copy.files.delete(path);
  else copy.files.set(path, changed);
  return copy;
}

describe('an exported tree', () => {
  it('is audited whole, full tiles and partial ones', async () => {
    const report = await audit(tree, system);
    expect(faultsOf(report)).toEqual([]);
    expect(report.entries).toMatchObject({ replayed: 300, verified: 300 });
    expect([...tree.files.keys()].toSorted()).toEqual([
      'checkpoint',
      'tile/0/000',
      'tile/0/001.p/44',
      'tile/1/000.p/1',
      'tile/entries/000',
      'tile/entries/001.p/44',
      'tile/statements/000',
      'tile/statements/001.p/44',
      'trusted_root.json',
    ]);
  });

  it('cannot lose a leaf, a statement or a hash', async () => {
    const missing = async (path: string): Promise<readonly string[]> =>
      faultsOf(
        await audit(
          forged(path, () => undefined),
          system,
        ),
      );
    expect(await missing('tile/entries/000')).toContain('FILE_MISSING 0');
    expect(await missing('tile/statements/001.p/44')).toEqual(['FILE_MISSING 256']);
    expect(await missing('tile/0/000')).toEqual(['FILE_MISSING']);
    expect(await missing('tile/1/000.p/1')).toEqual(['FILE_MISSING']);
  });

  it('cannot hold other leaves than it was signed over', async () => {
    const changed = forged('tile/entries/001.p/44', (bytes) => {
      const entries = [...(decodeEntryBundle(bytes) ?? [])];
      [entries[3], entries[4]] = [entries[4]!, entries[3]!];
      return encodeEntryBundle(entries);
    });
    expect(faultsOf(await audit(changed, system))).toEqual(
      expect.arrayContaining(['LEAF_MISMATCH 259', 'LEAF_MISMATCH 260', 'TILE_MISMATCH', 'ROOT_MISMATCH']),
    );
  });

  it('cannot hold another statement, or another timestamp, than was signed', async () => {
    const swapped = (swap: 'payload' | 'timestamp'): MemoryTree =>
      forged('tile/statements/000', (bytes) => {
        const records = [...(decodeStatementBundle(bytes) ?? [])];
        records[7] = { ...records[7]!, [swap]: records[8]![swap] };
        return encodeStatementBundle(records);
      });
    expect(faultsOf(await audit(swapped('payload'), system))).toEqual([
      'SIGNATURE_INVALID 7',
      'LEAF_MISMATCH 7',
    ]);
    expect(faultsOf(await audit(swapped('timestamp'), system))).toEqual(['TIMESTAMP_INVALID 7']);
  });

  it('cannot be cut inside a bundle', async () => {
    for (const path of ['tile/entries/000', 'tile/statements/000']) {
      const cut = forged(path, (bytes) => bytes.subarray(0, -1));
      expect(faultsOf(await audit(cut, system))).toContain('FILE_MALFORMED 0');
    }
  });

  it('cannot show hashes that its leaves do not make', async () => {
    for (const path of ['tile/0/000', 'tile/0/001.p/44', 'tile/1/000.p/1']) {
      const changed = forged(path, (bytes) => flipBit(bytes, 100));
      expect(faultsOf(await audit(changed, system))).toEqual(['TILE_MISMATCH']);
    }
  });

  it('may serve full tiles where a head needs the beginning of them', async () => {
    const grown = await exported(log);
    const more = new MadeLog(system);
    more.entries.push(...log.entries);
    await fillTo(more, 515);
    await more.exportTo(grown);
    grown.files.set('checkpoint', utf8(log.checkpoint()));
    expect(grown.files.has('tile/entries/001.p/44')).toBe(false);
    expect(faultsOf(await audit(grown, system))).toEqual([]);
  });

  it('is not audited under a head that nobody of the trust root signed', async () => {
    const text = fromUtf8(tree.files.get('checkpoint')!)!;
    for (const other of [text.replace('300', '299'), '', text.slice(0, -3)]) {
      const changed = forged('checkpoint', () => utf8(other));
      await expect(audit(changed, system)).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
    }
    await expect(audit(tree, await testTrustSystem())).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
    await expect(audit(new MemoryTree(), system)).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });
});

describe('a checkpoint that the auditor kept', () => {
  it.each([1, 255, 256, 257, 300])('of %i entries is continued by the log that signed it', async (size) => {
    const report = await audit(tree, system, { since: utf8(log.checkpoint(size)) });
    expect(faultsOf(report)).toEqual([]);
    expect(report.since).toMatchObject({ size, continued: true });
  });

  it('shows a fork, also where the newer tree is whole in itself', async () => {
    const other = new MadeLog(system);
    other.entries.push(...log.entries.slice(0, 149));
    await fillTo(other, 310);
    const report = await audit(other, system, { since: utf8(log.checkpoint(150)) });
    expect(faultsOf(report)).toEqual(['LOG_FORKED']);
    expect(report.since?.continued).toBe(false);
    expect(faultsOf(await audit(other, system, { since: utf8(log.checkpoint(149)) }))).toEqual([]);
  });

  it('shows a log that became shorter', async () => {
    const longer = new MadeLog(system);
    longer.entries.push(...log.entries);
    await fillTo(longer, 301);
    const report = await audit(tree, system, { since: utf8(longer.checkpoint()) });
    expect(faultsOf(report)).toEqual(['LOG_SHORTER']);
    expect(report.since?.continued).toBe(false);
  });

  it('must be one: signed, and of this log', async () => {
    const unsigned = utf8(log.checkpoint(200).replace('\n200\n', '\n201\n'));
    await expect(audit(tree, system, { since: unsigned })).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
  });
});

describe('a call whose verdict is long past', () => {
  it('is still held to the tree that its outcome names', async () => {
    // Fewer roots are kept here than there are entries: for the older ones the tiles are asked, and not believed.
    const grown = growTree(tree, collectFaults(), { remembered: 16 });
    for (const { leaf } of log.entries) grown.append(leaf);
    const wrong: string[] = [];
    for (const size of [1, 255, 256, 270, 290, 299]) {
      grown.check({ size, root: log.rootAt(size) }, () => wrong.push(`its own at ${size}`));
      grown.check({ size, root: log.rootAt(size + 1) }, () => wrong.push(`another at ${size}`));
    }
    await grown.resolve();
    expect(wrong.toSorted()).toEqual(
      [1, 255, 256, 270, 290, 299].map((size) => `another at ${size}`).toSorted(),
    );
  });
});

describe('two gates', () => {
  it('may write their sessions side by side', async () => {
    const both = new MadeLog(system);
    await both.open();
    const sessions = [new MadeSession(both), new MadeSession(both)];
    for (const session of sessions) await session.open();
    for (const session of sessions) await session.deny(crypto.randomUUID());
    for (const session of sessions) await session.close();
    expect(faultsOf(await audit(both, system))).toEqual([]);
  });
});
