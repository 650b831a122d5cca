import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { countersign, countersignCli, testHome } from '../support/home.ts';
import { startPostgres } from '../support/postgres.ts';
import { startWire } from '../support/wire.ts';

const postgres = await startPostgres();

if (typeof postgres === 'string') {
  describe.skip(postgres, () => it('a home with its ledger in PostgreSQL'));
} else {
  afterAll(() => postgres[Symbol.asyncDispose]());

  describe('a home with its ledger in PostgreSQL', () => {
    it('remembers where it is, and its password in no file', async () => {
      await using home = await testHome(postgres.url({ schema: 'remembered' }));
      const files = readdirSync(home.home, { recursive: true, withFileTypes: true }).filter((file) =>
        file.isFile(),
      );
      for (const { parentPath, name } of files)
        expect(readFileSync(join(parentPath, name), 'utf8')).not.toMatch(/correct(?: |%20)horse/);
      expect(files.map(({ name }) => name)).not.toContain('ledger.sqlite');

      const { COUNTERSIGN_LEDGER: url = '', ...without } = home.env;
      const refused = await countersignCli(without, 'log', 'tail');
      expect(refused).toMatchObject({ code: 1, stdout: '' });
      expect(refused.stderr).toContain('LEDGER_UNAVAILABLE');
      for (const shown of [
        await countersignCli({ ...without, PGPASSWORD: postgres.password }, 'log', 'tail'),
        await countersignCli(without, 'log', 'tail', '--ledger', url),
        await home.cli('log', 'tail'),
      ]) {
        expect(shown.stdout).toContain('log-open');
        expect(shown.code).toBe(0);
      }
    });

    it('keeps what its address says from messages, and from the server that is wrapped', async () => {
      await using home = await testHome(postgres.url({ schema: 'silent' }));
      const nowhere = { ...home.env, COUNTERSIGN_LEDGER: postgres.url({ schema: 'silent', port: 1 }) };
      const other = { ...home.env, COUNTERSIGN_LEDGER: `${postgres.url()}?&schema=NO` };
      for (const env of [nowhere, other]) {
        const { code, stderr } = await countersignCli(env, 'log', 'tail');
        expect(code).toBe(1);
        expect(stderr).not.toMatch(/horse|127\.0\.0\.1/);
      }
      const spy = `process.stdin.once('data', () => {}); process.stderr.write('ledger=' + process.env.COUNTERSIGN_LEDGER);`;
      const wrap = ['wrap', '--name', 'spy', '--', process.execPath, '-e', spy];
      const gate = startWire(process.execPath, [countersign, ...wrap], home.env);
      await expect.poll(gate.stderr).toContain('ledger=undefined');
      await gate.end();
    });

    it('has what is revoked, for every gate that shares it', async () => {
      await using home = await testHome(postgres.url({ schema: 'revoking' }));
      const policy = join(home.work, 'all.yaml');
      const heard = join(home.work, 'heard');
      writeFileSync(
        policy,
        'version: 1\nname: all\nrules:\n  - { id: all, effect: allow, tools: ["slow/*"] }\n',
      );
      const slowServer = new URL('../support/slow-server.ts', import.meta.url).pathname;
      const wrap = ['wrap', '--name', 'slow', '--policy', policy, '--', process.execPath, slowServer, heard];
      const gate = startWire(process.execPath, [countersign, ...wrap], home.env);
      const answer = gate.request('tools/call', { name: 'wait', arguments: {} });
      await expect.poll(() => existsSync(heard), { timeout: 10_000 }).toBe(true);
      expect(await home.cli('revoke', 'tool', 'slow/*')).toMatchObject({ code: 0 });
      const done = performance.now();
      expect(JSON.stringify(await answer)).toContain('TOOL_REVOKED');
      expect(performance.now() - done).toBeLessThan(1_000);
      await gate.end();
    });

    it('is not what a home is that keeps its ledger in a file', async () => {
      await using home = await testHome();
      const env = { ...home.env, COUNTERSIGN_LEDGER: postgres.url({ schema: 'other' }) };
      expect((await countersignCli(env, 'log', 'tail')).stderr).toContain('CONFIG_INVALID');
    });

    it('is not made over a ledger that is there', async () => {
      await using home = await testHome(postgres.url({ schema: 'taken' }));
      const again = await home.cli('init', '--home', join(home.work, 'second'));
      expect(again.code).toBe(1);
      expect(again.stderr).toContain('HOME_EXISTS');
      expect(readdirSync(home.work).sort()).toEqual(['home', 'trusted_root.json']);
    });
  });
}
