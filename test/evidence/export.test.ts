import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadTrust } from '../../src/verify/trust.ts';
import { auditLog } from '../../src/evidence/audit.ts';
import { readTileFiles, writeTileFiles } from '../../src/runtime/log/tile-files.ts';
import { fetchTiles } from '../../src/runtime/log/tile-http.ts';
import { equalBytes, utf8 } from '../../src/call/sha256.ts';
import { testTrustSystem } from '../support/trust-system.ts';
import type { TestTrustSystem } from '../support/trust-system.ts';
import { audit, exported, faultsOf, fillTo, MadeLog, MemoryTree } from './made-log.ts';

let system: TestTrustSystem;
const folder = mkdtempSync(join(tmpdir(), 'countersign-export-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
beforeAll(async () => {
  system = await testTrustSystem();
});

async function logOf(size: number): Promise<MadeLog> {
  const log = new MadeLog(system);
  await log.open();
  await fillTo(log, size);
  return log;
}

/** The files of a whole export that are not the same in another. */
function otherThan(whole: MemoryTree, tree: MemoryTree): readonly string[] {
  return [...whole.files.keys()].filter((path) => {
    const [wanted, found] = [whole.files.get(path), tree.files.get(path)];
    return wanted === undefined || found === undefined || !equalBytes(wanted, found);
  });
}

describe('an export', () => {
  it('is the same whether it was written at once or grew', async () => {
    const log = await logOf(100);
    const grown = await exported(log);
    for (const size of [100, 255, 256, 300, 513]) {
      await fillTo(log, size);
      await log.exportTo(grown);
      const whole = await exported(log);
      expect(otherThan(whole, grown)).toEqual([]);
      expect(faultsOf(await audit(grown, system))).toEqual([]);
    }
  });

  it('writes its checkpoint last, and what is full never again', async () => {
    const log = await logOf(300);
    const tree = await exported(log);
    expect(tree.written.at(-1)).toBe('checkpoint');
    tree.written.length = 0;
    await fillTo(log, 310);
    await log.exportTo(tree);
    expect(tree.written).toEqual([
      'tile/entries/001.p/54',
      'tile/statements/001.p/54',
      'tile/0/001.p/54',
      'tile/1/000.p/1',
      'trusted_root.json',
      'checkpoint',
    ]);
  });

  it('drops partial tiles once they are full, and no sooner', async () => {
    const log = await logOf(300);
    const tree = await exported(log);
    await fillTo(log, 310);
    await log.exportTo(tree);
    expect(tree.files.has('tile/entries/001.p/44')).toBe(true);
    await fillTo(log, 512);
    await log.exportTo(tree);
    expect([...tree.files.keys()].filter((path) => path.includes('001.p/'))).toEqual([]);
  });

  it('that was cut off leaves the older tree whole, and is finished by the next', async () => {
    const log = await logOf(250);
    const tree = await exported(log);
    await fillTo(log, 260);
    const whole = await exported(log);
    const headOf = ({ files }: MemoryTree): string => Buffer.from(files.get('checkpoint')!).toString();
    for (let writes = 0; writes < 10; writes++) {
      const cut = tree.copy();
      let left = writes;
      cut.write = async (path, bytes) => {
        left -= 1;
        if (left < 0) throw new Error('the machine stopped');
        cut.files.set(path, bytes);
      };
      await log.exportTo(cut).catch(() => undefined);
      expect(otherThan(headOf(cut) === headOf(tree) ? tree : whole, cut)).toEqual([]);
      left = Infinity;
      await log.exportTo(cut);
      expect(otherThan(whole, cut)).toEqual([]);
    }
    for (const [sound, size] of [
      [tree, 250],
      [whole, 260],
    ] as const) {
      const report = await audit(sound, system);
      expect([report.log.size, faultsOf(report)]).toEqual([size, []]);
    }
  });

  it('is not written over another log’s, nor over a stranger’s trust root', async () => {
    const other = await testTrustSystem();
    const others = new MadeLog(other);
    await others.open();
    const tree = await exported(others);
    const before = new Map(tree.files);
    const log = await logOf(3);
    await expect(log.exportTo(tree)).rejects.toMatchObject({ code: 'EXPORT_FOREIGN' });
    expect(tree.files).toEqual(before);
    tree.files.delete('checkpoint');
    await expect(log.exportTo(tree)).rejects.toMatchObject({ code: 'EXPORT_FOREIGN' });
  });

  it('is not written over one that is ahead, or damaged, or of another history', async () => {
    const log = await logOf(300);
    const tree = await exported(log);
    const shorter = new MadeLog(system);
    shorter.entries.push(...log.entries.slice(0, 299));
    await expect(shorter.exportTo(tree)).rejects.toMatchObject({ code: 'LEDGER_ROLLED_BACK' });
    await fillTo(shorter, 400);
    await expect(shorter.exportTo(tree)).rejects.toMatchObject({ code: 'EXPORT_DAMAGED' });
    await fillTo(log, 400);
    tree.files.set('tile/1/000.p/1', new Uint8Array(32));
    await expect(log.exportTo(tree)).rejects.toMatchObject({ code: 'EXPORT_DAMAGED' });
    tree.files.delete('tile/1/000.p/1');
    await expect(log.exportTo(tree)).rejects.toMatchObject({ code: 'EXPORT_DAMAGED' });
  });

  it('of a log without entries is refused', async () => {
    const empty = { checkpoint: async () => null, entries: async () => [] };
    const { exportLog } = await import('../../src/evidence/export.ts');
    const options = { logKeys: [], trustedRoot: system.trustedRootBytes };
    await expect(exportLog(empty, new MemoryTree(), options)).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });
});

describe('a folder', () => {
  it('holds the export and nothing half-written', async () => {
    const log = await logOf(300);
    const target = join(folder, 'log');
    await log.exportTo(writeTileFiles(target));
    await log.exportTo(writeTileFiles(target));
    const files = readdirSync(target, { recursive: true, withFileTypes: true }).filter((file) =>
      file.isFile(),
    );
    expect(files).toHaveLength((await exported(log)).files.size);
    const trust = await loadTrust(system.trustedRootBytes);
    const report = await auditLog(readTileFiles(target), { trust, trustSource: 'given' });
    expect(faultsOf(report)).toEqual([]);
  });

  it('is read no further than the caller allows, and only where there are files', async () => {
    const files = writeTileFiles(join(folder, 'small'));
    await files.write('tile/0/000', new Uint8Array(33));
    expect(await files.read('tile/0/001', 32)).toBeUndefined();
    expect(await files.read('tile/0/000/x', 32)).toBeUndefined();
    await expect(files.read('tile/0/000', 32)).rejects.toMatchObject({ code: 'EXPORT_UNREADABLE' });
    await expect(files.read('tile/0', 32)).rejects.toMatchObject({ code: 'EXPORT_UNREADABLE' });
  });
});

describe('a URL', () => {
  it('serves an export to an auditor; what a server does instead is refused', async () => {
    const log = await logOf(300);
    const tree = await exported(log);
    const server = createServer((request, response) => {
      const path = (request.url ?? '').replace('/log/', '');
      const bytes = tree.files.get(path);
      if (path === 'moved') response.writeHead(302, { location: '/log/checkpoint' }).end();
      else if (path === 'broken') response.writeHead(500).end();
      else if (bytes === undefined) response.writeHead(404).end();
      else response.writeHead(200).end(bytes);
    });
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
    try {
      const prefix = `http://127.0.0.1:${(server.address() as AddressInfo).port}/log`;
      const trust = await loadTrust(system.trustedRootBytes);
      const report = await auditLog(fetchTiles(prefix), { trust, trustSource: 'given' });
      expect([report.entries.verified, faultsOf(report)]).toEqual([300, []]);
      const source = fetchTiles(`${prefix}/`);
      expect(await source.read('tile/0/009', 10)).toBeUndefined();
      for (const [path, most] of [
        ['moved', 9_999],
        ['broken', 9_999],
        ['checkpoint', 10],
      ] as const) {
        await expect(source.read(path, most)).rejects.toMatchObject({ code: 'EXPORT_UNREADABLE' });
      }
      tree.files.set('checkpoint', utf8('nothing signed'));
      await expect(auditLog(source, { trust, trustSource: 'given' })).rejects.toMatchObject({
        code: 'CONFIG_INVALID',
      });
    } finally {
      server.closeAllConnections();
      server.close();
    }
    await expect(fetchTiles('http://127.0.0.1:1/').read('checkpoint', 10)).rejects.toMatchObject({
      code: 'EXPORT_UNREADABLE',
    });
  });
});
