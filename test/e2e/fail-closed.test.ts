import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { countersign, testHome, type TestHome } from '../support/home.ts';
import { startWire, type Wire } from '../support/wire.ts';

const effectsServer = new URL('../support/effects-server.mjs', import.meta.url).pathname;

const allowEffects = `version: 1
name: test
rules:
  - { id: perform, effect: allow, tools: ["effects/perform"] }
`;

interface Setup {
  readonly home: TestHome;
  /** Exists as soon as the server was asked to do anything. */
  readonly effects: string;
  start(env?: NodeJS.ProcessEnv, ...options: string[]): Wire;
}

/** The server's command leaves a mark when it starts, and another when its tool runs. */
async function setup(): Promise<Setup & AsyncDisposable> {
  const home = await testHome();
  const effects = join(home.work, 'effects.txt');
  writeFileSync(join(home.home, 'policy.yaml'), allowEffects);
  return {
    home,
    effects,
    start: (env = {}, ...options) =>
      startWire(
        process.execPath,
        [
          countersign,
          'wrap',
          '--name',
          'effects',
          ...options,
          '--',
          process.execPath,
          effectsServer,
          effects,
        ],
        { ...home.env, ...env },
      ),
    [Symbol.asyncDispose]: () => home[Symbol.asyncDispose](),
  };
}

const perform = { name: 'perform', arguments: { word: 'x' } };

/** One for the tests that leave its home as it was, and in which nothing ever runs. */
let test: Setup & AsyncDisposable;
beforeAll(async () => {
  test = await setup();
});
afterAll(() => test[Symbol.asyncDispose]());

async function expectClosed(wire: Wire, code: string, effects: string): Promise<void> {
  expect((await wire.request('tools/call', perform)).error?.data).toMatchObject({ code });
  expect((await wire.request('tools/list')).error?.data).toMatchObject({ code });
  expect((await wire.request('ping')).error?.data).toMatchObject({ code });
  const { code: exitCode } = await wire.end();
  expect(exitCode).toBe(1);
  expect(wire.stderr()).toContain(code);
  expect(existsSync(effects)).toBe(false);
}

describe('without a valid API key nothing is started or relayed', () => {
  it.each([
    ['none', '', 'API_KEY_MISSING'],
    ['something else', 'hunter2', 'API_KEY_MALFORMED'],
    ['one of another home', `cs_live_${'0'.repeat(43)}`, 'API_KEY_MALFORMED'],
  ])('%s', async (_, key, code) => {
    await expectClosed(test.start({ COUNTERSIGN_API_KEY: key }), code, test.effects);
  });

  it('stderr says how to get a key, and never repeats the one that was given', async () => {
    const wire = test.start({ COUNTERSIGN_API_KEY: 'hunter2' });
    await wire.request('ping');
    await wire.end();
    expect(wire.stderr()).toContain('countersign init');
    expect(wire.stderr()).not.toContain('hunter2');
  });

  it('a key of another home is unknown', async () => {
    await using other = await testHome();
    await expectClosed(test.start({ COUNTERSIGN_API_KEY: other.apiKey }), 'API_KEY_UNKNOWN', test.effects);
  });

  it('a key that is revoked while the gate runs counts no longer', async () => {
    await using test = await setup();
    const wire = test.start();
    expect((await wire.request('tools/call', perform)).result?.isError).toBeUndefined();
    const file = join(test.home.home, 'api-keys.json');
    writeFileSync(file, readFileSync(file, 'utf8').replace('"active"', '"revoked"'));
    const denied = await wire.request('tools/call', perform);
    expect(denied.result).toMatchObject({
      isError: true,
      _meta: { 'dev.countersign/denial': { code: 'API_KEY_REVOKED' } },
    });
    await wire.end();
    expect(readFileSync(test.effects, 'utf8')).toBe('x\n');
  });
});

describe('a policy that cannot be used closes the gate', () => {
  it.each([
    ['not YAML', '{', 'POLICY_INVALID'],
    ['no rule', 'version: 1\nname: none\nrules: []\n', 'POLICY_INVALID'],
    ['a condition that does not parse', allowEffects.replace('] }', '], when: "args.(" }'), 'POLICY_INVALID'],
  ])('%s', async (_, text, code) => {
    writeFileSync(join(test.home.home, 'policy.yaml'), text);
    await expectClosed(test.start(), code, test.effects);
    writeFileSync(join(test.home.home, 'policy.yaml'), allowEffects);
  });

  it('a missing file', async () => {
    await expectClosed(
      test.start({}, '--policy', join(test.home.work, 'none.yaml')),
      'POLICY_UNREADABLE',
      test.effects,
    );
  });
});

describe('a ledger that cannot be used closes the gate', () => {
  const ledgerOf = (test: Setup) => join(test.home.home, 'ledger.sqlite');

  it('missing: a used key never starts a second log', async () => {
    await using test = await setup();
    rmSync(ledgerOf(test));
    await expectClosed(test.start(), 'LEDGER_MISSING', test.effects);
  });

  it('not a database', async () => {
    await using test = await setup();
    writeFileSync(ledgerOf(test), 'garbage '.repeat(1000));
    await expectClosed(test.start(), 'LEDGER_CORRUPT', test.effects);
  });

  it('replaced by a copy of itself', async () => {
    await using test = await setup();
    const bytes = readFileSync(ledgerOf(test));
    renameSync(ledgerOf(test), join(test.home.work, 'old'));
    writeFileSync(ledgerOf(test), bytes, { mode: 0o600 });
    await expectClosed(test.start(), 'LEDGER_COPIED', test.effects);
  });

  it('rolled back to an older state of itself', async () => {
    await using test = await setup();
    const before = readFileSync(ledgerOf(test));
    const wire = test.start();
    await wire.request('tools/call', perform);
    await wire.end();
    rmSync(test.effects);
    rmSync(`${ledgerOf(test)}-wal`, { force: true });
    writeFileSync(ledgerOf(test), before);
    await expectClosed(test.start(), 'LEDGER_ROLLED_BACK', test.effects);
  });

  it('locked by somebody else for too long: denied, not executed, and open again afterwards', async () => {
    await using test = await setup();
    const wire = test.start();
    await wire.request('tools/call', perform);
    const other = new DatabaseSync(ledgerOf(test));
    other.exec('BEGIN IMMEDIATE');
    const denied = await wire.request('tools/call', perform);
    expect(denied.result?._meta?.['dev.countersign/denial']).toMatchObject({
      code: 'LEDGER_LOCKED',
      retryable: true,
    });
    other.exec('ROLLBACK');
    other.close();
    expect((await wire.request('tools/call', perform)).result?.isError).toBeUndefined();
    await wire.end();
    expect(readFileSync(test.effects, 'utf8')).toBe('x\nx\n');
  });
});

describe('the wrapped server', () => {
  it('that dies during a call leaves an outcome `unknown` and a clear refusal', async () => {
    await using test = await setup();
    const script = join(test.home.work, 'dies.mjs');
    const server = readFileSync(effectsServer, 'utf8');
    writeFileSync(
      script,
      server.replace("'tools/call': ({ params }) =>", "'tools/call': ({ params }) => process.exit(3) ??"),
    );
    const wire = startWire(
      process.execPath,
      [countersign, 'wrap', '--name', 'effects', '--', process.execPath, script, test.effects],
      test.home.env,
    );
    const answer = await wire.request('tools/call', perform);
    expect(JSON.stringify(answer)).toContain('UPSTREAM_GONE');
    const { code } = await wire.end();
    expect(code).toBe(3);
    const { stdout } = await test.home.here('log', 'tail', '--json');
    expect(stdout).toContain('"outcome":"unknown"');
  });

  it('that cannot be started: every request is refused with UPSTREAM_GONE, and the exit code is 127', async () => {
    const wire = startWire(
      process.execPath,
      [countersign, 'wrap', '--name', 'ghost', '--', join(test.home.work, 'no-such-command')],
      test.home.env,
    );
    expect((await wire.request('ping')).error?.data).toMatchObject({ code: 'UPSTREAM_GONE' });
    expect((await wire.end()).code).toBe(127);
  });

  it('ends soon after the end of stdin, also when it ignores that and SIGTERM', async () => {
    const script = join(test.home.work, 'stubborn.mjs');
    writeFileSync(
      script,
      "process.on('SIGTERM', () => undefined); setInterval(() => undefined, 1000); console.error('stubborn');\n",
    );
    const wire = startWire(
      process.execPath,
      [countersign, 'wrap', '--name', 'stubborn', '--', process.execPath, script],
      test.home.env,
    );
    await expect.poll(() => wire.stderr()).toContain('stubborn');
    // Two seconds, and what a loaded machine adds to them: far from the hour that the server would stay.
    expect((await wire.end()).ms).toBeLessThan(15_000);
  });
});

describe('misuse', () => {
  it.each([
    ['no target', ['wrap']],
    ['a target without dashes', ['wrap', 'node', 'server.js']],
    ['an option that does not exist', ['wrap', '--frobnicate', '--', 'node']],
    ['a server name with a slash', ['wrap', '--name', 'a/b', '--', 'node']],
    ['an unknown command', ['frobnicate']],
  ])('%s: a sentence and exit code 2, or 1 for a bad value', async (_, args) => {
    const { code, stderr } = await test.home.cli(...args);
    expect([1, 2]).toContain(code);
    expect(stderr).toMatch(/^countersign: .+\n$/);
    expect(stderr).not.toContain('    at ');
  });

  it('a home that does not exist: HOME_MISSING, and how to make one', async () => {
    const { code, stderr } = await test.home.here('log', 'tail', '--home', join(test.home.work, 'nowhere'));
    expect(code).toBe(1);
    expect(stderr).toContain('countersign init');
  });
});
