import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { countersign, countersignHere, runCountersign, testHome, type TestHome } from '../support/home.ts';
import { startWire, type Wire } from '../support/wire.ts';

const effectsServer = new URL('../support/effects-server.mjs', import.meta.url).pathname;
const secret = 'a passphrase that is nowhere else';
const withSecret = { COUNTERSIGN_KEY_PASSPHRASE: secret };

const allowEffects = `version: 1
name: test
rules:
  - { id: perform, effect: allow, tools: ["effects/perform"] }
`;

function wrap(home: TestHome, server: readonly string[], env: NodeJS.ProcessEnv = {}): Wire {
  const args = [countersign, 'wrap', '--name', 'effects', '--', process.execPath, ...server];
  return startWire(process.execPath, args, { ...home.env, ...env });
}

async function effectsHome(): Promise<TestHome & { wrapped(env?: NodeJS.ProcessEnv): Wire }> {
  const home = await testHome();
  writeFileSync(join(home.home, 'policy.yaml'), allowEffects);
  return {
    ...home,
    wrapped: (env) => wrap(home, [effectsServer, join(home.work, 'effects.txt')], env),
    [Symbol.asyncDispose]: () => home[Symbol.asyncDispose](),
  };
}

const perform = { name: 'perform', arguments: { word: 'x' } };

/** Calls the tool, and keeps what came back. */
async function keepCall(home: TestHome, wire: Wire, name: string): Promise<string> {
  const { result } = await wire.request('tools/call', perform);
  expect(result).toBeDefined();
  const file = join(home.work, name);
  writeFileSync(file, JSON.stringify(result));
  return file;
}

async function listed(home: TestHome): Promise<readonly Record<string, unknown>[]> {
  return JSON.parse((await home.here('keys', 'list', '--json')).stdout) as Record<string, unknown>[];
}

describe('countersign keys', () => {
  let unused: TestHome;
  beforeAll(async () => {
    unused = await testHome();
  });
  afterAll(() => unused[Symbol.asyncDispose]());

  it('rotates every key: calls from before and after verify, and an audit of the whole log finds no fault', async () => {
    await using home = await effectsHome();
    const first = home.wrapped();
    const before = await keepCall(home, first, 'before.json');
    await first.end();
    for (const purpose of ['ca', 'timestamp', 'ct', 'log']) {
      const rotate = purpose === 'ca' ? home.cli : home.here;
      const { code, stdout } = await rotate('keys', 'rotate', purpose);
      expect(code).toBe(0);
      expect(stdout).toContain('countersign trust');
    }
    const second = home.wrapped();
    const after = await keepCall(home, second, 'after.json');
    await second.end();

    expect((await home.cli('verify', '--trust', home.trustFile, before)).code).toBe(0);
    expect((await home.here('verify', '--trust', home.trustFile, after)).code).toBe(1);
    const trust = join(home.work, 'new_trust.json');
    writeFileSync(trust, (await home.here('trust')).stdout);
    const verified = await home.here('verify', '--trust', trust, before, after);
    expect(verified).toMatchObject({ code: 0, stderr: '' });

    // Proofs of old entries are under the new key's heads.
    const [entry] = (await home.here('log', 'tail', '-n', '100', '--json')).stdout
      .split('\n')
      .filter((line) => line.includes('"allow"'));
    const { callId } = JSON.parse(entry ?? '{}') as { callId: string };
    const shown = join(home.work, 'shown.json');
    writeFileSync(shown, (await home.here('log', 'show', callId, '--json')).stdout);
    const { verdict } = JSON.parse(readFileSync(shown, 'utf8')) as { verdict: unknown };
    writeFileSync(shown, JSON.stringify(verdict));
    expect((await home.here('verify', '--trust', trust, shown)).code).toBe(0);

    const exported = join(home.work, 'export');
    mkdirSync(exported);
    expect((await home.here('log', 'export', exported)).code).toBe(0);
    const audit = await home.here('audit', '--trust', trust, '--json', exported);
    expect(audit.code).toBe(0);
    expect(JSON.parse(audit.stdout)).toMatchObject({ ok: true, faults: { total: 0 } });
    expect(
      (await listed(home)).map(({ purpose, status, file }) => [purpose, status, file].join(' ')),
    ).toEqual(
      ['ca', 'timestamp', 'ct', 'log'].flatMap((purpose) => [
        `${purpose} retired deleted`,
        `${purpose} active plain`,
      ]),
    );
  });

  it('rotates under a running gate what it can follow, and not the log’s key', async () => {
    await using home = await effectsHome();
    const wire = home.wrapped();
    const kept = [await keepCall(home, wire, 'one.json')];
    expect(await home.here('keys', 'rotate', 'log')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('HOME_IN_USE') as unknown,
    });
    expect((await home.here('keys', 'compromised', 'ca')).stderr).toContain('HOME_IN_USE');
    expect((await home.here('keys', 'rotate', 'ca', '--overlap', '90m')).stderr).toContain('HOME_IN_USE');
    expect((await home.here('keys', 'rotate', 'ca')).code).toBe(0);
    kept.push(await keepCall(home, wire, 'two.json'));
    await wire.end();
    expect((await home.here('keys', 'rotate', 'log', '--json')).code).toBe(0);
    writeFileSync(home.trustFile, (await home.here('trust')).stdout);
    expect((await home.here('verify', '--trust', home.trustFile, ...kept)).code).toBe(0);
  });

  it('declares a key compromised by the last tree head that is trusted', async () => {
    await using home = await testHome();
    expect((await home.here('trust', '--compromised')).stderr).toContain('NOT_FOUND');
    const exported = join(home.work, 'export');
    mkdirSync(exported);
    await home.here('log', 'export', exported);
    await home.here('keys', 'rotate', 'ct');
    const kept = join(exported, 'checkpoint');
    const done = await home.here('keys', 'compromised', 'log', '--last-trusted', kept, '--json');
    expect(done.code).toBe(0);
    const [origin, , root = ''] = readFileSync(kept, 'utf8').split('\n');
    const lastTrusted = { origin, treeSize: 1, rootHash: Buffer.from(root, 'base64').toString('hex') };
    const { retired } = JSON.parse(done.stdout) as { retired: { sha256: string } };
    const log = { purpose: 'log', sha256: retired.sha256, lastTrusted };
    expect(JSON.parse((await home.here('trust', '--compromised')).stdout)).toEqual({
      version: 1,
      keys: [log],
    });

    expect((await home.here('keys', 'compromised', 'ca')).code).toBe(0);
    const declared = JSON.parse((await home.here('trust', '--compromised')).stdout) as { keys: unknown[] };
    expect(declared.keys).toEqual([log, expect.objectContaining({ purpose: 'ca' })]);
    expect((await listed(home)).filter(({ compromised }) => compromised)).toHaveLength(2);

    const forged = join(home.work, 'forged');
    writeFileSync(forged, readFileSync(kept, 'utf8').replace('\n1\n', '\n2\n'));
    const refused = await home.here('keys', 'compromised', 'ct', '--last-trusted', forged);
    expect(refused.stderr).toContain('CONFIG_INVALID');
  });

  it.each([
    [[]],
    [['turn']],
    [['rotate']],
    [['rotate', 'root']],
    [['rotate', 'ca', 'ct']],
    [['rotate', 'ca', '--overlap', '2']],
    [['rotate', 'ca', '--overlap', '-2h']],
  ])('is misused as %j', async (args) => {
    expect((await unused.here('keys', ...args)).code).toBe(2);
  });
});

describe('an encrypted home', () => {
  it('is closed without its passphrase, open with it, and the wrapped server never learns it', async () => {
    await using home = await effectsHome();
    const encrypted = await home.here('keys', 'encrypt');
    expect(encrypted.stderr).toContain('CONFIG_INVALID');
    const file = join(home.work, 'passphrase');
    writeFileSync(file, `${secret}\n`, { mode: 0o600 });
    const envs = {
      none: {},
      wrong: { COUNTERSIGN_KEY_PASSPHRASE: `${secret}?` },
      given: withSecret,
      filed: { COUNTERSIGN_KEY_PASSPHRASE_FILE: file },
    };
    Object.assign(home.env, withSecret);
    expect((await home.cli('keys', 'encrypt')).code).toBe(0);
    delete home.env['COUNTERSIGN_KEY_PASSPHRASE'];

    for (const env of [envs.none, envs.wrong]) {
      const closed = home.wrapped(env);
      const { error } = await closed.request('tools/call', perform);
      expect(error?.data).toMatchObject({ code: 'KEY_LOCKED' });
      expect((await closed.end()).code).toBe(1);
      expect(closed.stderr()).toContain('COUNTERSIGN_KEY_PASSPHRASE');
      expect(closed.stderr() + JSON.stringify(error)).not.toContain(secret);
    }
    expect((await home.here('log', 'tail')).stderr).toContain('KEY_LOCKED');
    expect((await home.here('keys', 'list')).stdout).toContain('encrypted');
    expect(existsSync(join(home.work, 'effects.txt'))).toBe(false);

    // The server writes down what it was started with before it answers.
    const seen = join(home.work, 'environment.json');
    const spy = join(home.work, 'spy.cjs');
    writeFileSync(
      spy,
      `require('node:fs').writeFileSync(${JSON.stringify(seen)}, JSON.stringify(process.env));`,
    );
    for (const env of [envs.given, envs.filed]) {
      const others = { COUNTERSIGN_NEW_KEY_PASSPHRASE: secret, OTHER: 'kept' };
      const server = ['--require', spy, effectsServer, join(home.work, 'effects.txt')];
      const open = wrap(home, server, { ...env, ...others });
      expect((await open.request('tools/call', perform)).result).toBeDefined();
      expect((await open.end()).code).toBe(0);
      expect(open.stderr()).not.toContain(secret);
      const environment = JSON.parse(readFileSync(seen, 'utf8')) as Record<string, string>;
      expect(environment['OTHER']).toBe('kept');
      expect(Object.keys(environment).filter((name) => name.includes('PASSPHRASE'))).toEqual([]);
      expect(JSON.stringify(environment)).not.toContain(secret);
      rmSync(seen);
    }
  });

  it('is what init makes when a passphrase is set', async () => {
    await using home = await testHome();
    const other = { ...home.env, COUNTERSIGN_HOME: join(home.work, 'other'), ...withSecret };
    const made = await runCountersign({ env: other, args: ['init'] });
    expect(made.code).toBe(0);
    expect(made.stdout + made.stderr).not.toContain(secret);
    const key = readFileSync(join(home.work, 'other', 'keys', 'log.key.pem'), 'utf8');
    expect(key).toContain('ENCRYPTED');
    const rotated = await countersignHere({ env: other, args: ['keys', 'rotate', 'log'] });
    expect(rotated.code).toBe(0);
    const next = { ...other, COUNTERSIGN_NEW_KEY_PASSPHRASE: 'another' };
    expect((await countersignHere({ env: next, args: ['keys', 'passphrase'] })).code).toBe(0);
    expect((await countersignHere({ env: other, args: ['log', 'tail'] })).stderr).toContain('KEY_LOCKED');
    const renamed = { ...other, COUNTERSIGN_KEY_PASSPHRASE: 'another' };
    expect((await countersignHere({ env: renamed, args: ['log', 'tail'] })).code).toBe(0);
    expect((await countersignHere({ env: renamed, args: ['keys', 'decrypt'] })).code).toBe(0);
    expect(readFileSync(join(home.work, 'other', 'keys', 'log.key.pem'), 'utf8')).not.toContain('ENCRYPTED');
  });
});
