import { createPublicKey } from 'node:crypto';
import {
  chmodSync,
  cpSync,
  existsSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fromUtf8, hex } from '../../src/call/sha256.ts';
import { claimInstance } from '../../src/ledger/instances-node.ts';
import { toolPinKey } from '../../src/gate/pins.ts';
import { backUp } from '../../src/runtime/former/backup.ts';
import { eraseFormerCalls, selectFormerCalls } from '../../src/runtime/former/erase-former.ts';
import { formerLogs, withLog, withStore } from '../../src/runtime/former/former.ts';
import { openHomeLedger } from '../../src/runtime/home/home-ledger.ts';
import { openHome, type Home } from '../../src/runtime/home/open-home.ts';
import { restoreLog } from '../../src/runtime/former/restore.ts';
import { withHome } from '../../src/runtime/home/with-home.ts';
import { verifyEnvelope } from '../../src/verify/envelope.ts';
import { loadTrust } from '../../src/verify/trust.ts';
import { accept, acceptedDigest, call, homeOnDisk, sizeOf, type HomeOnDisk } from './home-log.ts';

let disk: HomeOnDisk;
let file: string;

beforeEach(async () => {
  disk = await homeOnDisk();
  file = join(disk.work, 'backup.sqlite');
});
afterEach(() => disk[Symbol.dispose]());

const quiet = { onProgress: () => undefined };
const backup = (to = file) => backUp(disk.open(), to, quiet);

interface Said {
  readonly kind: string;
  readonly predicate: { readonly log?: object; readonly change?: Record<string, unknown> };
}

async function said(home: Home): Promise<readonly Said[]> {
  return withHome(home, async ({ ledger }) =>
    (await ledger.entries(0, 100)).map(({ kind, payload }) => ({
      kind,
      predicate: (JSON.parse(fromUtf8(payload) ?? '') as { predicate: Said['predicate'] }).predicate,
    })),
  );
}

const trustRoot = (home: Home) => loadTrust(Uint8Array.from(readFileSync(home.layout.trustedRoot)));

describe('a backup', () => {
  it('is a whole ledger in one file, readable by its owner alone', async () => {
    await call(disk.open());
    const head = await backup();
    expect(head).toMatchObject({ origin: disk.open().config.origin, treeSize: 3 });
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(readdirSync(disk.work).toSorted()).toEqual(['backup.sqlite', 'home']);
    const db = new DatabaseSync(file, { readOnly: true });
    expect(db.prepare('SELECT size, hex(root) AS root FROM head').get()).toEqual({
      size: 3,
      root: head.rootHash.toUpperCase(),
    });
    expect(db.prepare('PRAGMA journal_mode').get()).toEqual({ journal_mode: 'delete' });
    db.close();
  });

  it('never replaces a file, nor does it leave one behind that failed', async () => {
    writeFileSync(file, 'mine');
    await expect(backup()).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
    await expect(backup(join(disk.work, 'nowhere', 'file'))).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
    });
    expect(readFileSync(file, 'utf8')).toBe('mine');
    expect(readdirSync(disk.work).toSorted()).toEqual(['backup.sqlite', 'home']);
  });

  it('is of one moment, while others go on writing', async () => {
    const home = disk.open();
    const done = new AbortController();
    const writer = (async () => {
      while (!done.signal.aborted) await call(home);
    })();
    const heads = [];
    for (let i = 0; i < 3; i++) heads.push(await backup(`${file}${i}`));
    done.abort();
    await writer;
    const sizes = heads.map(({ treeSize }) => treeSize);
    expect(sizes).toEqual(sizes.toSorted((a, b) => a - b));
    expect(await sizeOf(home)).toBeGreaterThanOrEqual(sizes.at(-1) ?? 0);
  });

  it('is not made of a ledger whose rows were changed', async () => {
    const home = disk.open();
    await call(home);
    const db = new DatabaseSync(home.layout.ledger);
    db.exec(
      `UPDATE entries SET payload = CAST(replace(CAST(payload AS TEXT), 'ALLOW', 'DENY!') AS BLOB) WHERE idx = 1`,
    );
    db.close();
    await expect(backup()).rejects.toMatchObject({ code: 'LEDGER_CORRUPT' });
    expect(existsSync(file)).toBe(false);
  });
});

describe('restoring a backup', () => {
  it('ends the log, and begins another that cites its last head and what is missing', async () => {
    const home = disk.open();
    await call(home);
    const open = await call(home, { open: true });
    const head = await backup();
    await call(home);
    const last = await sizeOf(home);
    const restored = await restoreLog(disk.open(), { file });
    expect(restored).toMatchObject({ former: head, openCalls: [open], lost: { treeSize: last } });
    expect(restored.origin).not.toBe(head.origin);

    const after = disk.open();
    expect(after.config.origin).toBe(restored.origin);
    const [opening, statement, ...rest] = await said(after);
    expect(opening).toMatchObject({ kind: 'logOpen', predicate: { log: { predecessor: head } } });
    expect(statement?.predicate.change).toEqual({
      kind: 'log-restored',
      from: head,
      lost: restored.lost,
      openCalls: { count: 1, ids: [open] },
    });
    expect(rest).toEqual([]);
    expect(await withHome(after, ({ ledger }) => ledger.openPermits())).toEqual([]);
  });

  it('keeps the old log’s key in the trust root, ended, and nowhere else: old envelopes verify', async () => {
    const home = disk.open();
    const callId = await call(home);
    const envelope = await withHome(home, async (opened) =>
      opened.envelope((await opened.ledger.entriesOfCall(callId))[0]!),
    );
    const keyOf = (): string => {
      const pem = readFileSync(join(home.layout.keys, 'log.key.pem'));
      return createPublicKey(pem).export({ type: 'spki', format: 'der' }).toString('hex');
    };
    const oldKey = keyOf();
    await backup();
    await restoreLog(disk.open(), { file });
    const trust = await trustRoot(home);
    expect(trust.transparencyLogs.map(({ key }) => hex(key.spki))).toEqual([oldKey, keyOf()]);
    expect(trust.transparencyLogs.map(({ validFor }) => validFor.end < Infinity)).toEqual([true, false]);
    expect(await verifyEnvelope(Buffer.from(envelope), trust)).toMatchObject({ ok: true });
    const again = await withLog(disk.open(), home.config.origin, async (log) =>
      log.envelope((await log.ledger.entriesOfCall(callId))[1]!),
    );
    expect(await verifyEnvelope(Buffer.from(again), trust)).toMatchObject({ ok: true });
    const files = readdirSync(disk.root, { recursive: true, withFileTypes: true }).filter((entry) =>
      entry.isFile(),
    );
    expect(
      files
        .filter(({ name }) => name.endsWith('.key.pem'))
        .every(({ parentPath }) => parentPath === home.layout.keys),
    ).toBe(true);
  });

  it('encrypts the new key where the home’s keys are encrypted', async () => {
    using locked = await homeOnDisk('a passphrase');
    await call(locked.open());
    await backUp(locked.open(), file, quiet);
    await expect(
      restoreLog(
        openHome(locked.root, '', () => undefined),
        { file },
      ),
    ).rejects.toMatchObject({
      code: 'KEY_LOCKED',
    });
    await restoreLog(locked.open(), { file });
    const pem = readFileSync(join(locked.root, 'keys', 'log.key.pem'), 'utf8');
    expect(pem).toContain('BEGIN ENCRYPTED PRIVATE KEY');
    await call(locked.open());
  });

  it('overwrites nothing: the ledger that was there is set aside', async () => {
    await call(disk.open());
    await backup();
    await call(disk.open());
    const newer = await sizeOf(disk.open());
    const { former } = await restoreLog(disk.open(), { file });
    const folder = join(disk.root, 'former', former.origin);
    const db = new DatabaseSync(join(folder, 'set-aside.sqlite'), { readOnly: true });
    expect(db.prepare('SELECT size FROM head').get()).toEqual({ size: newer });
    db.close();
    expect(existsSync(file)).toBe(true);
    expect(await formerLogs(disk.open())).toEqual([former]);
  });

  it('works where the ledger is gone, and again afterwards', async () => {
    await call(disk.open());
    await backup();
    for (const suffix of ['', '-wal', '-shm']) rmSync(disk.open().layout.ledger + suffix, { force: true });
    await expect(openHomeLedger(disk.open())).rejects.toMatchObject({ code: 'LEDGER_MISSING' });
    await expect(restoreLog(disk.open())).rejects.toMatchObject({ code: 'LEDGER_MISSING' });
    const first = await restoreLog(disk.open(), { file });
    expect(first).not.toHaveProperty('lost');
    await call(disk.open());
    // The same backup is not one of the log that the home has now.
    await expect(restoreLog(disk.open(), { file })).rejects.toMatchObject({ code: 'LEDGER_CORRUPT' });
    await backup(`${file}.2`);
    const second = await restoreLog(disk.open(), { file: `${file}.2` });
    expect(second.former.origin).toBe(first.origin);
    expect((await formerLogs(disk.open())).map(({ origin }) => origin).toSorted()).toEqual(
      [first.former.origin, second.former.origin].toSorted(),
    );
  });

  it('carries over what operators accepted, by the log and not by the file’s rows', async () => {
    const home = disk.open();
    await accept(home, 'read');
    await backup();
    const db = new DatabaseSync(file);
    db.prepare('INSERT INTO heads VALUES (?, ?)').run(
      toolPinKey('files', 'destroy'),
      `${acceptedDigest} accepted`,
    );
    db.close();
    expect(await restoreLog(disk.open(), { file })).toMatchObject({ servers: 1, tools: 1 });
    const heads = await withHome(disk.open(), ({ ledger }) => ledger.headsUnder('tool/'));
    expect([...heads]).toEqual([[toolPinKey('files', 'read'), `${acceptedDigest} accepted`]]);
    const changes = (await said(disk.open())).map(({ predicate }) => predicate.change?.['kind']);
    expect(changes).toEqual([undefined, 'log-restored', 'tools-carried']);
    // And over the next one, too.
    await backup(`${file}.2`);
    expect(await restoreLog(disk.open(), { file: `${file}.2` })).toMatchObject({ servers: 1, tools: 1 });
  });

  it.each<[string, string]>([
    [
      'a statement',
      `UPDATE entries SET payload = CAST(replace(CAST(payload AS TEXT), 'ALLOW', 'DENY!') AS BLOB) WHERE idx = 1`,
    ],
    ['a leaf', 'UPDATE entries SET leaf = substr(leaf, 1, length(leaf) - 1) WHERE idx = 1'],
    ['a hash', 'UPDATE entries SET leaf_hash = zeroblob(32) WHERE idx = 1'],
    ['its end', 'DELETE FROM entries WHERE idx = 2'],
    ['its head', 'UPDATE head SET size = 2'],
    ['its signature', `UPDATE head SET checkpoint = replace(checkpoint, '3', '4')`],
    ['its name', `UPDATE origin SET origin = 'log.example'`],
    ['a trigger', 'CREATE TRIGGER t AFTER DELETE ON side BEGIN DELETE FROM entries; END'],
  ])('refuses one with %s changed, and leaves the home as it was', async (_, sql) => {
    await call(disk.open());
    await backup();
    const db = new DatabaseSync(file);
    db.exec(sql);
    db.close();
    const { origin } = disk.open().config;
    await expect(restoreLog(disk.open(), { file })).rejects.toMatchObject({ code: 'LEDGER_CORRUPT' });
    expect(disk.open().config.origin).toBe(origin);
    await call(disk.open());
  });

  it('refuses another home’s, and what is no ledger', async () => {
    using other = await homeOnDisk();
    await backUp(other.open(), file, quiet);
    await expect(restoreLog(disk.open(), { file })).rejects.toMatchObject({ code: 'LEDGER_CORRUPT' });
    writeFileSync(`${file}.txt`, 'no ledger');
    writeFileSync(`${file}.empty`, '');
    for (const name of ['.txt', '.empty'])
      await expect(restoreLog(disk.open(), { file: file + name })).rejects.toMatchObject({
        code: 'LEDGER_CORRUPT',
      });
    await expect(restoreLog(disk.open(), { file: `${file}.none` })).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
    });
  });

  it('is refused while anybody has the ledger open, also who came meanwhile', async () => {
    await call(disk.open());
    await backup();
    const home = disk.open();
    const { origin } = home.config;
    const gate = await openHomeLedger(home);
    await expect(restoreLog(disk.open(), { file })).rejects.toMatchObject({ code: 'HOME_IN_USE' });
    await gate.close();
    let late: ReturnType<typeof claimInstance> | undefined;
    const after = (step: string): void => {
      if (step === 'opened the new log') late = claimInstance(home.layout.instances);
    };
    await expect(restoreLog(disk.open(), { file, after })).rejects.toMatchObject({ code: 'HOME_IN_USE' });
    late?.release();
    expect(disk.open().config.origin).toBe(origin);
    await call(disk.open());
  });
});

describe('restoring in place', () => {
  it('gives a copied home a log of its own, beside the one that it was copied from', async () => {
    await call(disk.open());
    const copy = join(disk.work, 'copy');
    cpSync(disk.root, copy, { recursive: true });
    for (const folder of [copy, join(copy, 'keys')]) chmodSync(folder, 0o700);
    const open = () => openHome(copy, '', () => undefined);
    await expect(openHomeLedger(open())).rejects.toMatchObject({
      code: 'LEDGER_COPIED',
      message: expect.stringContaining('countersign log restore --in-place') as string,
    });
    const restored = await restoreLog(open());
    expect(restored).not.toHaveProperty('lost');
    await call(open());
    await call(disk.open());
    expect(open().config.origin).not.toBe(disk.open().config.origin);
    expect(existsSync(join(copy, 'former', restored.former.origin, 'set-aside.sqlite'))).toBe(false);
  });

  it('says what a ledger that was set back has lost', async () => {
    const home = disk.open();
    await call(home);
    const older = readFileSync(home.layout.ledger);
    const before = await sizeOf(home);
    await call(home);
    const last = await sizeOf(home);
    writeFileSync(home.layout.ledger, older);
    for (const suffix of ['-wal', '-shm']) rmSync(home.layout.ledger + suffix, { force: true });
    await expect(openHomeLedger(disk.open())).rejects.toMatchObject({ code: 'LEDGER_ROLLED_BACK' });
    expect(await restoreLog(disk.open())).toMatchObject({
      former: { treeSize: before },
      lost: { treeSize: last },
    });
    await call(disk.open());
  });

  it('does not count on heads that it cannot read', async () => {
    const home = disk.open();
    await call(home);
    writeFileSync(join(home.layout.released, 'broken.released'), 'not a head');
    expect(await restoreLog(disk.open())).toMatchObject({ lost: 'unknown' });
  });
});

describe('a log that has ended', () => {
  it('is read, and nothing is added to it', async () => {
    const callId = await call(disk.open());
    await backup();
    const { former } = await restoreLog(disk.open(), { file });
    const home = disk.open();
    await withLog(home, former.origin, async ({ ledger }) => {
      expect(await ledger.entriesOfCall(callId)).toHaveLength(2);
      expect((await ledger.prove(1)).treeSize).toBe(former.treeSize);
      expect(await ledger.proveConsistency(1, 3)).toMatchObject({ oldSize: 1, newSize: 3 });
      await expect(ledger.rememberTools([])).rejects.toMatchObject({ code: 'LEDGER_READ_ONLY' });
    });
    const nothing = async (): Promise<void> => undefined;
    await expect(withLog(home, 'log.example', nothing)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await expect(withLog(home, '../..', nothing)).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  it('can still have plaintext erased, which the present log states, also after a stop in between', async () => {
    const callIds = [await call(disk.open()), await call(disk.open(), { open: true })];
    await backup();
    const { former } = await restoreLog(disk.open(), { file });
    const home = disk.open();
    const ledgerFile = join(home.layout.former, former.origin, 'ledger.sqlite');
    expect(readFileSync(ledgerFile).includes(`secret of ${callIds[0]}`)).toBe(true);
    await withStore(home.layout, former.origin, 'erase', async (store) => {
      expect(await selectFormerCalls(store, { callIds })).toEqual({ calls: callIds, running: [] });
      const fails = (): Promise<never> => Promise.reject(new Error('stopped'));
      await expect(eraseFormerCalls(store, fails, callIds)).rejects.toThrow('stopped');
      expect(await selectFormerCalls(store, { callIds })).toEqual({ calls: [], running: [] });
    });
    await withStore(home.layout, former.origin, 'erase', (store) =>
      withHome(home, ({ eraseFormer }) => eraseFormer(store, [])),
    );
    const change = (await said(home)).at(-1)?.predicate.change;
    expect(change).toMatchObject({ kind: 'erased', log: { origin: former.origin }, calls: { count: 2 } });
    for (const suffix of ['', '-wal']) {
      const path = ledgerFile + suffix;
      expect(existsSync(path) && readFileSync(path).includes('secret of')).toBe(false);
    }
    // The log itself is whole, and nothing is stated twice.
    await withLog(home, former.origin, async ({ ledger }) =>
      expect((await ledger.prove(1)).treeSize).toBe(former.treeSize),
    );
    const size = await sizeOf(home);
    await withStore(home.layout, former.origin, 'erase', (store) =>
      withHome(home, ({ eraseFormer }) => eraseFormer(store, [])),
    );
    expect(await sizeOf(home)).toBe(size);
  });
});
