import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createHome } from '../../src/runtime/home/create-home.ts';
import { compileCache, countersignHere, runCountersign, runsHere, type Finished } from '../support/home.ts';

let work: string;

beforeAll(() => {
  work = mkdtempSync(join(tmpdir(), 'countersign-cli-'));
});

afterAll(() => rmSync(work, { recursive: true, force: true }));

/** Runs the command for a user whose home directory is `work/user`, unless `env` says otherwise. */
function cli(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Finished> {
  return runCountersign({ env: environment(env), args, cwd: work });
}

/** The same within this process, where the command can do that. */
function here(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Finished> {
  return runsHere(args[0] ?? '')
    ? countersignHere({ env: environment(env), args, cwd: work })
    : cli(args, env);
}

const environment = (env: NodeJS.ProcessEnv): NodeJS.ProcessEnv => ({
  ...compileCache,
  PATH: process.env['PATH'],
  HOME: join(work, 'user'),
  ...env,
});

/** Every file of a folder with its contents. */
function contentsOf(folder: string): Record<string, string> {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) =>
    entry.isFile(),
  );
  return Object.fromEntries(
    files.map(({ parentPath, name }) => [
      join(parentPath, name),
      readFileSync(join(parentPath, name), 'hex'),
    ]),
  );
}

const mode = (path: string): string => (statSync(path).mode & 0o777).toString(8);

describe('countersign init', () => {
  it('makes a home at ~/.countersign, shows its key once, and keeps everything in it private', async () => {
    const { code, stdout, stderr } = await cli(['init']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const home = join(work, 'user', '.countersign');
    expect(stdout).toContain(home);
    const [key] = /cs_live_\w+/.exec(stdout) ?? [];
    expect(key).toBeDefined();
    expect(Object.values(contentsOf(home)).join()).not.toContain(Buffer.from(key ?? '').toString('hex'));

    expect(mode(home)).toBe('700');
    const entries = readdirSync(home, { recursive: true, withFileTypes: true });
    expect(entries.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['ledger.sqlite', 'policy.yaml', 'trusted_root.json', 'log.key.pem']),
    );
    for (const entry of entries) {
      expect(mode(join(entry.parentPath, entry.name)), entry.name).toBe(entry.isDirectory() ? '700' : '600');
    }
  });

  it('run twice says what is there, changes nothing, and exits with 1', async () => {
    const home = join(work, 'user', '.countersign');
    const before = contentsOf(home);
    const { code, stdout } = await cli(['init']);
    expect(code).toBe(1);
    for (const what of [home, 'trusted_root.json', 'policy.yaml', 'api-keys.json', 'log.']) {
      expect(stdout).toContain(what);
    }
    expect(stdout).not.toMatch(/cs_live_/);
    const { stdout: json } = await cli(['init', '--json']);
    expect(JSON.parse(json)).toMatchObject({ error: 'HOME_EXISTS', home });
    expect(contentsOf(home)).toEqual(before);
  });

  it.each([
    ['--home', ['--home', 'by-flag'], { COUNTERSIGN_HOME: 'not-this' }, 'by-flag'],
    ['COUNTERSIGN_HOME', [], { COUNTERSIGN_HOME: 'by-variable' }, 'by-variable'],
    ['HOME', [], { HOME: 'by-home' }, 'by-home/.countersign'],
    [
      'HOME, where COUNTERSIGN_HOME is empty',
      [],
      { HOME: 'by-other', COUNTERSIGN_HOME: '' },
      'by-other/.countersign',
    ],
  ])('makes it where %s says; --json says where', async (_, options, env: NodeJS.ProcessEnv, place) => {
    const absolute = env['HOME'] ? { ...env, HOME: join(work, env['HOME']) } : env;
    const { code, stdout } = await cli(['init', '--json', ...options], absolute);
    expect(code).toBe(0);
    const home = join(work, place);
    expect(JSON.parse(stdout)).toEqual({
      home,
      apiKey: expect.stringMatching(/^cs_live_/) as string,
      trustedRoot: join(home, 'trusted_root.json'),
    });
    expect(existsSync(join(home, 'ledger.sqlite'))).toBe(true);
    expect(existsSync(join(work, 'not-this'))).toBe(false);
  });

  it('makes two homes that share neither key nor log', async () => {
    const made = await Promise.all(
      ['one', 'two'].map((name) => createHome(join(work, name), undefined, () => undefined)),
    );
    const [one, two] = made.map(({ apiKey, trustedRoot }) => [apiKey, readFileSync(trustedRoot, 'utf8')]);
    expect(one?.[0]).not.toBe(two?.[0]);
    expect(one?.[1]).not.toBe(two?.[1]);
  });

  it.each([
    ['a folder with something else in it', 'full'],
    ['a file', 'full/file'],
    ['a place below a file', 'full/file/home'],
  ])('refuses %s and leaves it alone', async (_, place) => {
    mkdirSync(join(work, 'full'), { recursive: true });
    writeFileSync(join(work, 'full', 'file'), 'mine');
    const { code, stdout, stderr } = await cli(['init', '--home', place]);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(/^countersign: HOME_INVALID: .+\n$/);
    expect(readdirSync(join(work, 'full'))).toEqual(['file']);
  });

  it('takes an empty folder', async () => {
    mkdirSync(join(work, 'empty'), { mode: 0o755 });
    expect((await cli(['init', '--home', 'empty'])).code).toBe(0);
    expect(mode(join(work, 'empty'))).toBe('700');
  });
});

describe('a home', () => {
  it('prints its trust root, which holds no private key', async () => {
    const { code, stdout } = await cli(['trust']);
    expect(code).toBe(0);
    expect(stdout).toBe(readFileSync(join(work, 'user', '.countersign', 'trusted_root.json'), 'utf8'));
    expect(JSON.parse(stdout)).toMatchObject({
      mediaType: 'application/vnd.dev.sigstore.trustedroot+json;version=0.1',
    });
    expect(stdout).not.toMatch(/PRIVATE|cs_live_/);
  });

  it('that others can read is not used', async () => {
    const home = join(work, 'public');
    await createHome(home, undefined, () => undefined);
    for (const part of ['.', 'keys']) {
      const { mode: before } = statSync(join(home, part));
      chmodSync(join(home, part), 0o750);
      const { code, stderr } = await here(['log', 'tail', '--home', home]);
      expect(code).toBe(1);
      expect(stderr).toMatch(/^countersign: HOME_INVALID: .*chmod 700/);
      chmodSync(join(home, part), before);
    }
    expect((await here(['log', 'tail', '--home', home])).code).toBe(0);
  });

  it.each(['{', '{}', '{"version":2}', 'null', ''])(
    'with %j for its configuration is not used',
    async (text) => {
      const home = join(work, 'broken');
      if (!existsSync(home)) await createHome(home, undefined, () => undefined);
      const file = join(home, 'home.json');
      writeFileSync(file, text);
      const { code, stderr } = await here(['trust', '--home', home]);
      expect(code).toBe(1);
      expect(stderr).toMatch(/^countersign: HOME_INVALID: .+\n$/);
    },
  );
});

const commands = ['init', 'wrap', 'tools', 'verify', 'trust', 'log'];

describe('help', () => {
  it.each([[['help']], [['--help']], [['-h']]])('%j lists every command', async (args) => {
    const { code, stdout, stderr } = await cli(args);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    for (const name of commands) expect(stdout).toMatch(new RegExp(`^  ${name} +\\S`, 'm'));
  });

  it.each(commands)('of %s is the same in each form, and wants no home', async (name) => {
    const nowhere = { HOME: join(work, 'nowhere') };
    const forms = [
      ['help', name],
      [name, '--help'],
      [name, '-h'],
      [name, 'list', '--help'],
    ];
    const [first, ...others] = await Promise.all(forms.map((args) => cli(args, nowhere)));
    expect(first).toMatchObject({ code: 0, stderr: '' });
    expect(first?.stdout).toMatch(new RegExp(`^Usage: countersign ${name}`));
    for (const each of others) expect(each).toEqual(first);
    expect(existsSync(nowhere.HOME)).toBe(false);
  });

  it('is shown for no command at all too, which is misuse', async () => {
    expect(await cli([])).toMatchObject({ code: 2, stderr: '' });
  });

  it('--version prints the version of the package', async () => {
    const manifest = new URL('../../package.json', import.meta.url);
    const { version } = JSON.parse(readFileSync(manifest, 'utf8')) as { version: string };
    expect(await cli(['--version'])).toEqual({ code: 0, stdout: `${version}\n`, stderr: '' });
  });
});

describe('misuse is one sentence and exit code 2, also where there is no home', () => {
  it.each([
    ['frobnicate'],
    ['constructor'],
    ['__proto__'],
    ['help frobnicate'],
    ['help constructor'],
    ['init here'],
    ['init --frobnicate'],
    ['init --home'],
    ['trust me'],
    ['tools'],
    ['tools frobnicate'],
    ['tools list a b'],
    ['tools accept'],
    ['tools accept files read --read-only'],
    ['log'],
    ['log frobnicate'],
    ['log tail x'],
    ['log tail -n x'],
    ['log tail -n -1'],
    ['log tail -n 1e3'],
    ['log tail -n 0x10'],
    ['log show'],
    ['log show x'],
    ['log show x y'],
    ['wrap'],
    ['wrap node'],
    ['wrap --'],
    ['wrap --config x.json'],
    ['wrap --server x'],
    ['wrap --config x.json --server x -- node'],
    ['verify'],
    ['verify x.json'],
    ['verify --trust'],
    ['verify --trust x.json'],
    ['verify --trust nowhere.json x.json'],
    ['verify --expect maybe --trust x.json x.json'],
  ])('countersign %s', async (line) => {
    const nowhere = { HOME: join(work, 'nowhere') };
    const { code, stdout, stderr } = await here(line.split(' '), nowhere);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(/^countersign: .+\n$/);
    expect(existsSync(nowhere.HOME)).toBe(false);
  });

  it.each(['trust', 'tools list', 'tools accept files', 'log tail', `log show ${crypto.randomUUID()}`])(
    'while %s without a home says how to make one, and exits with 1',
    async (line) => {
      const { code, stderr } = await here(line.split(' '), { HOME: join(work, 'nowhere') });
      expect(code).toBe(1);
      expect(stderr).toMatch(/^countersign: HOME_MISSING: .*countersign init\n$/);
    },
  );
});

describe('colour', () => {
  it.each([{}, { FORCE_COLOR: '1' }, { TERM: 'xterm-256color', COLORTERM: 'truecolor' }])(
    'is not written to a pipe, with %j',
    async (env) => {
      for (const line of ['help', 'init', 'log tail', 'tools list', 'frobnicate']) {
        const { stdout, stderr } = await cli(line.split(' '), env);
        expect(stdout + stderr).not.toContain('\u001b');
      }
    },
  );
});
