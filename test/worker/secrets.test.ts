import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { workerCommand } from '../../src/cli/worker.ts';
import { openHomeLedger } from '../../src/runtime/home/home-ledger.ts';
import { homeLayout } from '../../src/runtime/home/home-layout.ts';
import { workerSecrets } from '../../src/runtime/home/worker-secrets.ts';
import { longestSecret, readSecrets, secretNames, writeSecrets } from '../../src/runtime/worker/secrets.ts';
import { appendSomething, madeHome, type MadeHome } from '../runtime/made-home.ts';

let home: MadeHome;
beforeEach(async () => {
  home = await madeHome();
});
afterEach(() => home[Symbol.dispose]());

const refusal = (texts: Record<string, string>): unknown => {
  try {
    return readSecrets(texts);
  } catch (error) {
    return error;
  }
};

describe('the secrets of a Worker', () => {
  it('are what the home has, in four texts that the platform takes', async () => {
    const texts = await workerSecrets(home.open());
    expect(Object.keys(texts).toSorted()).toEqual(Object.values(secretNames).toSorted());
    for (const text of Object.values(texts)) expect(text.length).toBeLessThan(longestSecret);
    const read = readSecrets(texts);
    expect(read.home).toMatchObject({ origin: home.open().config.origin });
    expect(read.keys.log.length).toBe(32);
    expect(writeSecrets(read)).toEqual(texts);
  });

  it('hold no key of a root', async () => {
    const all = Object.values(await workerSecrets(home.open())).join();
    const layout = homeLayout(home.root);
    for (const root of ['root.key.pem', 'timestamp-root.key.pem']) {
      const body = readFileSync(`${layout.keys}/${root}`, 'utf8').replaceAll(/-----.*-----|\s/g, '');
      expect(all).not.toContain(body.slice(40, 100));
    }
  });

  it('take the log along: the home never opens its ledger again', async () => {
    await workerSecrets(home.open());
    await expect(openHomeLedger(home.open())).rejects.toMatchObject({ code: 'HOME_IN_USE' });
  });

  it('are the same log when they are asked for again, with the API keys of then', async () => {
    const before = await workerSecrets(home.open());
    const { apiKeys } = homeLayout(home.root);
    const changed = readFileSync(apiKeys, 'utf8').replace('"active"', '"revoked"');
    writeFileSync(apiKeys, changed);
    const after = await workerSecrets(home.open());
    expect(after).toEqual({ ...before, [secretNames.apiKeys]: expect.stringContaining('"revoked"') });
  });

  it('are not made of a home that was used', async () => {
    await appendSomething(home.open());
    await expect(workerSecrets(home.open())).rejects.toMatchObject({ code: 'HOME_IN_USE' });
    await appendSomething(home.open());
  });

  it('are not made while a gate or command has the home open', async () => {
    const opened = await openHomeLedger(home.open());
    await expect(workerSecrets(home.open())).rejects.toMatchObject({ code: 'HOME_IN_USE' });
    expect(existsSync(homeLayout(home.root).movedLog)).toBe(false);
    await opened.close();
    await workerSecrets(home.open());
  });

  it('are made anew after a crash before it was decided', async () => {
    const first = await workerSecrets(home.open());
    const { movedLog } = homeLayout(home.root);
    const undecided = readFileSync(movedLog, 'utf8').replace('"decided": true', '"decided": false');
    writeFileSync(movedLog, undecided);
    await expect(openHomeLedger(home.open())).rejects.toMatchObject({ code: 'HOME_IN_USE' });
    expect(await workerSecrets(home.open())).toEqual(first);
  });

  it('are refused when they are not whole, and never quoted', () => {
    const missing = refusal({});
    expect(missing).toMatchObject({ code: 'CONFIG_INVALID' });
    const broken = refusal({ [secretNames.home]: '{"trustDomain": "hush-hush", 1}' }) as Error;
    expect(broken).toMatchObject({ code: 'CONFIG_INVALID' });
    expect(`${broken.message} ${String(broken.cause)}`).not.toContain('hush');
  });

  it('are read field by field: what does not fit is refused, wherever it is', async () => {
    const texts = await workerSecrets(home.open());
    const changed = (name: string, from: string | RegExp, to: string): unknown => {
      const text = (texts[name] ?? '').replace(from, to);
      expect(text).not.toBe(texts[name]);
      return refusal({ ...texts, [name]: text });
    };
    for (const [name, from, to] of [
      [secretNames.home, /"tlogs":\[/, '"tlogs":[[],'],
      [secretNames.home, '"PKIX_ED25519"', '"PKIX_RSA"'],
      [secretNames.home, '"certificates":[', '"certificates":[null,'],
      [secretNames.home, /"start":"[^"]+"/, '"start":0'],
      [secretNames.home, '"validFor":{', '"validFor":{"end":null,'],
      [secretNames.apiKeys, '"agents":["default"]', '"agents":"default"'],
      [secretNames.apiKeys, '"status"', '"cidrs":"10.0.0.0/8","status"'],
      [secretNames.apiKeys, '"status"', '"tools":{},"status"'],
      [secretNames.apiKeys, '"status"', '"notAfter":null,"status"'],
      [secretNames.apiKeys, '"digest"', '"__proto__"'],
      [secretNames.apiKeys, '"active"', '"paused"'],
      [secretNames.apiKeys, '"status"', '"hosts":[],"status"'],
      [secretNames.apiKeys, '"status"', '"status":"revoked","status"'],
      [secretNames.apiKeys, '"version":1', '"version":"1"'],
    ] as const)
      expect([name, from, changed(name, from, to)]).toMatchObject([name, from, { code: 'CONFIG_INVALID' }]);
  });

  it('keep all that narrows a key', async () => {
    const texts = await workerSecrets(home.open());
    const narrowed =
      '"status":"active","tools":["files/*"],"cidrs":["10.0.0.0/8"],"notAfter":"2030-01-01T00:00:00Z"';
    const text = texts[secretNames.apiKeys]?.replace('"status":"active"', narrowed) ?? '';
    expect(readSecrets({ ...texts, [secretNames.apiKeys]: text }).apiKeys.keys).toMatchObject([
      { status: 'active', tools: ['files/*'], cidrs: ['10.0.0.0/8'], notAfter: '2030-01-01T00:00:00Z' },
    ]);
  });

  it('that are too long for the platform are refused', async () => {
    const secrets = readSecrets(await workerSecrets(home.open()));
    const [key] = secrets.apiKeys.keys;
    if (key === undefined) throw new Error('A home has a key.');
    const many = { ...secrets, apiKeys: { ...secrets.apiKeys, keys: Array(100).fill(key) } };
    expect(() => writeSecrets(many)).toThrow(expect.objectContaining({ code: 'TOO_LARGE' }));
  });

  it('are not shown on a terminal, and nothing has happened then', async () => {
    const written: string[] = [];
    const stdout = { write: (text: string) => written.push(text), isTTY: true };
    const io = { stdin: process.stdin, stdout, stderr: stdout, env: {}, cwd: home.folder };
    await expect(workerCommand.run(['secrets', '--home', home.root], io)).rejects.toMatchObject({
      code: 'USAGE',
    });
    expect([written, existsSync(homeLayout(home.root).movedLog)]).toEqual([[], false]);
  });
});
