import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { claimPostgresInstance } from '../../src/ledger/instances-postgres.ts';
import type { PostgresInstance } from '../../src/ledger/instances-postgres.ts';
import { createPostgresLedger } from '../../src/ledger/store-postgres-schema.ts';
import { parsePostgresUrl } from '../../src/ledger/store-postgres-url.ts';
import { cuttingProxy } from '../support/cutting-proxy.ts';
import type { CuttingProxy } from '../support/cutting-proxy.ts';
import { startPostgres } from '../support/postgres.ts';
import { testLog } from './log-key.ts';

const script = fileURLToPath(new URL('instance-postgres-process.ts', import.meta.url));
const postgres = await startPostgres();

if (typeof postgres === 'string') {
  describe.skip(postgres, () => it('an instance in PostgreSQL'));
} else {
  afterAll(() => postgres[Symbol.asyncDispose]());

  describe('an instance in PostgreSQL', () => {
    let url: string;
    let proxy: CuttingProxy;
    const claimed: PostgresInstance[] = [];
    const children: ChildProcess[] = [];
    beforeEach(async () => {
      proxy = await cuttingProxy(postgres.port);
      url = postgres.url({ schema: `instances_${proxy.port}` });
      await createPostgresLedger(parsePostgresUrl(url), testLog().identity);
    });
    afterEach(async () => {
      for (const child of children.splice(0)) child.kill('SIGKILL');
      for (const instance of claimed.splice(0)) await instance.release();
      await proxy[Symbol.asyncDispose]();
    });

    const timing = { askEvery: 300, retryEvery: 20, freshFor: 1_500 };
    const claim = async (address = url): Promise<PostgresInstance> => {
      const instance = await claimPostgresInstance(parsePostgresUrl(address), randomUUID(), timing);
      claimed.push(instance);
      return instance;
    };
    const throughProxy = (): string => url.replace(`:${postgres.port}/`, `:${proxy.port}/`);

    const claimElsewhere = async (): Promise<{ child: ChildProcess; id: string }> => {
      const child = spawn(process.execPath, [script, url], { stdio: ['ignore', 'pipe', 'inherit'] });
      children.push(child);
      const [line] = await once(child.stdout, 'data');
      return { child, id: String(line).trim() };
    };

    it('is alive for as long as it is not released, to itself and to others', async () => {
      const [one, other] = [await claim(), await claim()];
      expect(one.stillMine()).toBe(true);
      for (const asking of [one, other, one]) {
        expect(await asking.isAlive(one.id)).toBe(true);
        await asking.sweep();
      }
      await one.release();
      await one.release();
      expect(one.stillMine()).toBe(false);
      expect(await other.isAlive(one.id)).toBe(false);
      expect(await other.isAlive(randomUUID())).toBe(false);
      expect(other.stillMine()).toBe(true);
    });

    it('in another process is alive while it runs and while it is stopped, and dead after `kill -9`', async () => {
      const one = await claim();
      const { child, id } = await claimElsewhere();
      expect(await one.isAlive(id)).toBe(true);
      child.kill('SIGSTOP');
      await new Promise((resolve) => setTimeout(resolve, 300));
      expect(await one.isAlive(id)).toBe(true);
      child.kill('SIGKILL');
      await once(child, 'exit');
      await expect.poll(() => one.isAlive(id)).toBe(false);
    });

    it('whose connection was lost stands back, and goes on when nobody has looked meanwhile', async () => {
      const one = await claim(throughProxy());
      proxy.refuse(true);
      await expect.poll(() => one.stillMine()).toBe(false);
      proxy.refuse(false);
      await expect.poll(() => one.stillMine()).toBe(true);
      expect(await (await claim()).isAlive(one.id)).toBe(true);
    });

    it('whose connection was lost and that was taken for dead is fenced for good', async () => {
      const [one, other] = [await claim(throughProxy()), await claim()];
      proxy.refuse(true);
      await expect.poll(() => other.isAlive(one.id)).toBe(false);
      proxy.refuse(false);
      await new Promise((resolve) => setTimeout(resolve, 300));
      expect(one.stillMine()).toBe(false);
      expect(await other.isAlive(one.id)).toBe(false);
    });

    it('that is swept while its connection is lost is fenced for good', async () => {
      const [one, other] = [await claim(throughProxy()), await claim()];
      proxy.refuse(true);
      await expect
        .poll(async () => {
          await other.sweep();
          return (await postgres.run(`SELECT id FROM instances_${proxy.port}.instances`)).map(({ id }) => id);
        })
        .toEqual([other.id]);
      proxy.refuse(false);
      await new Promise((resolve) => setTimeout(resolve, 300));
      expect(one.stillMine()).toBe(false);
    });

    it('whose network is gone without a word stands back by itself', async () => {
      const one = await claim(throughProxy());
      proxy.swallow(true);
      await expect.poll(() => one.stillMine()).toBe(false);
      proxy.swallow(false);
      await expect.poll(() => one.stillMine()).toBe(true);
    });
  });
}
