import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { createLedger } from '../../src/ledger/create-ledger.ts';
import { openSession } from '../../src/ledger/store-postgres-session.ts';
import { commitReads } from '../../src/ledger/store-postgres-statements.ts';
import { createPostgresLedger } from '../../src/ledger/store-postgres-schema.ts';
import { parsePostgresUrl } from '../../src/ledger/store-postgres-url.ts';
import { openPostgresStore } from '../../src/ledger/store-postgres.ts';
import type { Ledger } from '../../src/ledger/ledger.ts';
import { forgetfulCheckpoints } from '../../src/ledger/released-checkpoint.ts';
import { startPostgres } from '../support/postgres.ts';
import { allowOf, draftOf, randomCallId } from './drafts.ts';
import { testLog } from './log-key.ts';
import { codeOf, refusalOf } from './settled.ts';

describe('the address of a ledger in PostgreSQL', () => {
  it('is shown and remembered without what is secret in it', () => {
    const { shown, schema, connectionString } = parsePostgresUrl(
      'postgres://ann:pass%40word@db.example:5433/audit?sslmode=verify-full&password=other&schema=log_2',
    );
    expect(shown).toBe('postgres://ann@db.example:5433/audit?sslmode=verify-full&schema=log_2');
    expect(schema).toBe('log_2');
    expect(connectionString).toContain('pass%40word');
    expect(parsePostgresUrl(shown).shown).toBe(shown);
    expect(parsePostgresUrl('postgresql://db/audit').schema).toBe('countersign');
  });

  it.each([
    'mysql://ann:secret@db/audit',
    'postgres://ann:secret@db',
    'ann:secret@db/audit',
    'postgres://ann:secret@db:port/audit',
    'postgres://ann:secret@db/audit?schema=Log',
    'postgres://ann:secret@db/audit?schema=pg_log',
    'postgres://ann:secret@db/audit?schema=a"%3B--',
    '',
  ])('is refused without being repeated when it is %s', (text) => {
    try {
      parsePostgresUrl(text);
      expect.fail('accepted');
    } catch (error) {
      expect(codeOf(error)).toBe('CONFIG_INVALID');
      expect(String(error)).not.toContain('secret');
    }
  });
});

const postgres = await startPostgres();

if (typeof postgres === 'string') {
  describe.skip(postgres, () => it('a ledger in PostgreSQL'));
} else {
  afterAll(() => postgres[Symbol.asyncDispose]());

  describe('a ledger in PostgreSQL', () => {
    const log = testLog();
    let schema: string;
    let made = 0;
    const at = (parameters: Record<string, string> = {}, user?: string) =>
      parsePostgresUrl(postgres.url({ schema, parameters, ...(user && { user }) }));
    beforeEach(async () => {
      schema = `open_${++made}`;
      await createPostgresLedger(at(), log.identity);
    });

    const opening = (address = at(), identity = log.identity): Promise<string> =>
      refusalOf(openPostgresStore({ address, identity }).then((store) => store.close()));

    const openLedger = async (): Promise<Ledger> => {
      const store = await openPostgresStore({ address: at(), identity: log.identity });
      return createLedger({
        store,
        origin: log.origin,
        signer: log.signer,
        released: forgetfulCheckpoints(),
      });
    };

    it('is never overwritten by a second init, and is missing where none was made', async () => {
      expect(await refusalOf(createPostgresLedger(at(), testLog().identity))).toBe('HOME_EXISTS');
      expect(await opening()).toBe('resolved');
      const elsewhere = parsePostgresUrl(postgres.url({ schema: 'never_made' }));
      expect(await opening(elsewhere)).toBe('LEDGER_MISSING');
      const noDatabase = parsePostgresUrl(postgres.url().replace('/postgres?', '/none?'));
      expect(await opening(noDatabase)).toBe('LEDGER_MISSING');
    });

    it('belongs to one origin and one key', async () => {
      const { origin, publicKey } = log.identity;
      expect(await opening(at(), testLog('log.test/2').identity)).toBe('LEDGER_CORRUPT');
      expect(await opening(at(), { origin: 'log.test/2', publicKey })).toBe('LEDGER_CORRUPT');
      expect(await opening(at(), { origin, publicKey: testLog().identity.publicKey })).toBe('KEY_ROTATED');
    });

    it.each(['off', 'local', 'remote_write'])('is unsafe with synchronous_commit=%s', async (value) => {
      expect(await opening(at({ options: `-c synchronous_commit=${value}` }))).toBe('LEDGER_UNSAFE');
    });

    it('is unsafe when its role was given synchronous_commit=off', async () => {
      await postgres.run(`CREATE ROLE careless_${made} SUPERUSER LOGIN PASSWORD '${postgres.password}';
        ALTER ROLE careless_${made} SET synchronous_commit = off`);
      expect(await opening(at({}, `careless_${made}`))).toBe('LEDGER_UNSAFE');
    });

    it('is unsafe from the moment at which fsync is switched off, also for a gate that runs', async () => {
      const ledger = await openLedger();
      await ledger.append(draftOf());
      const fsync = async (value: string): Promise<void> => {
        await postgres.run(`ALTER SYSTEM SET fsync = ${value}`);
        await postgres.run('SELECT pg_reload_conf()');
        await expect.poll(async () => (await postgres.run('SHOW fsync'))[0]?.['fsync']).toBe(value);
      };
      await fsync('off');
      await expect.poll(() => refusalOf(ledger.append(draftOf()))).toBe('LEDGER_UNSAFE');
      expect(await opening()).toBe('LEDGER_UNSAFE');
      await fsync('on');
      const before = (await ledger.checkpoint())?.size ?? 0;
      expect((await ledger.append(draftOf())).treeSize).toBe(before + 1);
      await ledger.close();
    });

    it('is a copy, and refused, when its origin says that it was made in another place', async () => {
      await postgres.run(`UPDATE ${schema}.origin SET database_id = '1'`);
      expect(await opening()).toBe('LEDGER_COPIED');
      await postgres.run(`UPDATE ${schema}.origin SET database_id = (SELECT oid FROM pg_database
        WHERE datname = current_database()), system_id = '1'`);
      expect(await opening()).toBe('LEDGER_COPIED');
    });

    it('works for a role that is given its schema and no more, and is read-only for one that may only read', async () => {
      const [owner, reader] = [`owner_${made}`, `reader_${made}`];
      await postgres.run(`CREATE ROLE ${owner} LOGIN PASSWORD '${postgres.password}';
        CREATE ROLE ${reader} LOGIN PASSWORD '${postgres.password}';
        CREATE SCHEMA ${owner} AUTHORIZATION ${owner}; GRANT USAGE ON SCHEMA ${owner} TO ${reader}`);
      const address = (user: string) => parsePostgresUrl(postgres.url({ schema: owner, user }));
      await createPostgresLedger(address(owner), log.identity);
      await postgres.run(`GRANT SELECT ON ALL TABLES IN SCHEMA ${owner} TO ${reader}`);
      expect(await opening(address(owner))).toBe('resolved');
      const store = await openPostgresStore({ address: address(reader), identity: log.identity });
      expect(
        await refusalOf(store.commit({ knownSize: 0, heads: [], permits: [], verdicts: [] }, () => null)),
      ).toBe('LEDGER_READ_ONLY');
      await store.close();
      expect(await refusalOf(createPostgresLedger(at({}, reader), log.identity))).toBe('LEDGER_READ_ONLY');
    });

    it('says neither password nor the server’s own words when it cannot be reached', async () => {
      const wrong = parsePostgresUrl(postgres.url({ schema }).replace('correct', 'wrong'));
      const nowhere = parsePostgresUrl(postgres.url({ schema, port: 1 }));
      for (const address of [wrong, nowhere]) {
        const error = await openPostgresStore({ address, identity: log.identity }).catch((e: unknown) => e);
        expect(codeOf(error)).toBe('LEDGER_UNAVAILABLE');
        const told = `${String(error)} ${String((error as Error).cause)}`;
        expect(told).not.toMatch(/horse|postgres:|authentication|ECONNREFUSED/);
      }
    });

    it('takes names with U+0000, and longer than an index does, from anybody', async () => {
      const ledger = await openLedger();
      const keys = ['tool/\0', 'tool/\0a', `tool/${'x'.repeat(300)}`, `tool/${'é\u{10ffff}'.repeat(9_000)}`];
      const callId = randomCallId();
      const side = keys.map((name) => ({ name, salt: Uint8Array.of(1), value: Uint8Array.of(2) }));
      await ledger.append(allowOf(callId, { sets: keys.map((key) => ({ key, value: `${key}\0` })), side }));
      expect(await ledger.heads(keys)).toEqual(new Map(keys.map((key) => [key, `${key}\0`])));
      expect([...(await ledger.headsUnder('tool/')).keys()].sort()).toEqual([...keys].sort());
      expect([...(await ledger.headsUnder(`tool/${'x'.repeat(290)}`)).keys()]).toEqual([keys[2]]);
      expect([...(await ledger.headsUnder('tool/\0')).keys()].sort()).toEqual(keys.slice(0, 2));
      expect(await ledger.side(callId)).toEqual(side);
      const record = (tool: string) => ({
        server: 's\0',
        serverDigest: 'd',
        tool,
        sha256: 'h',
        definition: Uint8Array.of(1),
      });
      await ledger.rememberTools(keys.map(record));
      expect((await ledger.tools('s\0')).map(({ tool }) => tool)).toEqual(keys);
      await ledger.close();
    });

    it('lets a writer that stands still with the lock hold up others for no longer than some seconds', async () => {
      const ledger = await openLedger();
      await ledger.append(draftOf());
      const still = await openSession(at());
      await still.query(commitReads.begin);
      await still.query(commitReads.lockHead);
      expect((await ledger.append(draftOf())).logIndex).toBe(1);
      await still.ended;
      await ledger.close();
    }, 20_000);
  });
}
