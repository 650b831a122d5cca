import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { verifyCodes } from '../../src/verify/codes.ts';
import { repository } from '../architecture/source.ts';
import {
  compileCache,
  countersign,
  countersignHere,
  runCountersign,
  runsHere,
  testHome,
  type TestHome,
} from '../support/home.ts';
import { startWire } from '../support/wire.ts';
import { blocks, firstCells, page, pages, section } from './pages.ts';

/** That links, paths, reason codes and JSON of every page hold is in `test/architecture/docs.test.ts`. */

const packageJson = JSON.parse(readFileSync(join(repository, 'package.json'), 'utf8')) as {
  readonly scripts: Record<string, string>;
};

/** Every `countersign …` of a shell script, as its arguments. */
function commandsOf(script: string): string[][] {
  return script
    .replaceAll('\\\n', ' ')
    .split(/\n|\||&&?|;/)
    .map((command) => command.replace(/(?:^|\s)(?:#|[<>]).*$/, '').trim())
    .filter((command) => command.startsWith('countersign '))
    .map((command) => command.split(/\s+/).slice(1));
}

/** The same of configurations: JSON, and the two lines that TOML takes for it. */
function configuredCommands(text: string): string[][] {
  const found: string[][] = [];
  const collect = (_: string, value: unknown): unknown => {
    const { command, args } = Object(value) as { command?: unknown; args?: string[] };
    if (command === 'countersign' && args) found.push(args);
    return value;
  };
  for (const block of blocks(text, 'json')) JSON.parse(block.replaceAll('{…}', '{}'), collect);
  const tables = text.matchAll(/^command = "countersign"\nargs = (\[.*\])$/gm);
  return [...found, ...[...tables].map(([, args]) => JSON.parse(args ?? '[]') as string[])];
}

/** Runs it where there is nothing: no home, no file, no input. What it says then is about its words alone. */
async function isMisused(args: readonly string[]): Promise<boolean> {
  const nowhere = mkdtempSync(join(tmpdir(), 'countersign-docs-'));
  const words = args.map((arg) => (arg === 'CALL_ID' ? '01a20093-ee3b-74f0-946f-148985026a75' : arg));
  const run = runsHere(words[0] ?? '') ? countersignHere : runCountersign;
  try {
    const env = { ...compileCache, PATH: process.env['PATH'], HOME: nowhere };
    const { code, stderr } = await run({ env, args: words, cwd: nowhere });
    return code === 2 && !/^countersign: USAGE: \S+ cannot be read \(ENOENT\)\.$/m.test(stderr);
  } finally {
    rmSync(nowhere, { recursive: true, force: true });
  }
}

describe('the commands of the documentation', () => {
  const inScripts = [...pages.values()].flatMap((text) => blocks(text, 'sh').flatMap(commandsOf));
  const inConfigurations = [...pages.values()].flatMap(configuredCommands);
  const lines = [...new Set([...inScripts, ...inConfigurations].map((args) => args.join(' ')))];

  it('are found', () => {
    expect(
      commandsOf('a=1\njq . | countersign log \\\n tail -n 3 > x # y\nnpm ci && countersign init'),
    ).toEqual([['log', 'tail', '-n', '3'], ['init']]);
    expect(lines.length).toBeGreaterThan(15);
    expect(inConfigurations.length).toBeGreaterThan(5);
  });

  it.each(lines)('countersign %s', async (line) => {
    expect(await isMisused(line.split(' '))).toBe(false);
  });

  it.each([
    'frobnicate',
    'log tail --frobnicate',
    'wrap node server.js',
    'verify result.json',
    'tools accept --all',
  ])('a wrong one is noticed: countersign %s', async (line) => {
    expect(await isMisused(line.split(' '))).toBe(true);
  });

  it('npm run … name scripts that exist', () => {
    const all = [...pages.values()].join('\n');
    const scripts = [...all.matchAll(/npm run (?:-s )?([\w-]+)/g)].map(([, name]) => name ?? '');
    expect(scripts.filter((name) => !(name in packageJson.scripts))).toEqual([]);
    const benchmarks = [...all.matchAll(/npm run bench -- (\w+)/g)].map(([, name]) => name ?? '');
    expect(benchmarks).toContain('wrap');
    expect(benchmarks.filter((name) => !existsSync(join(repository, 'bench', `${name}.ts`)))).toEqual([]);
  });
});

describe('exit codes', () => {
  let test: TestHome;
  beforeAll(async () => {
    test = await testHome();
  });
  afterAll(() => test[Symbol.asyncDispose]());

  const wrapped = async (server: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<number | null> => {
    const wire = startWire(process.execPath, [countersign, 'wrap', '--name', 'any', ...server], {
      ...test.env,
      ...env,
    });
    return (await wire.end()).code;
  };
  const node = (script: string): string[] => ['--', process.execPath, '-e', script];

  it.each([
    [0, 'the server ended with 0', node('process.exit(0)')],
    [7, 'the server’s own', node('process.exit(7)')],
    [128 + 9, '128 + n after signal n', node('process.kill(process.pid, "SIGKILL")')],
    [127, 'no such command', ['--', '/no/such/command']],
    [126, 'it cannot be executed', ['--', import.meta.filename]],
    [2, 'misuse', []],
  ])('wrap: %i, %s', async (code, _, server) => {
    expect(await wrapped(server)).toBe(code);
  });

  it('wrap: 1, the gate had to stay closed', async () => {
    expect(await wrapped(node('0'), { COUNTERSIGN_API_KEY: '' })).toBe(1);
  });

  it.each([
    [0, ['trust']],
    [0, ['log', 'tail']],
    [1, ['init']],
    [1, ['tools', 'list', 'nobody']],
    [1, ['log', 'show', crypto.randomUUID()]],
    [2, ['tools']],
    [2, ['trust', 'whom']],
    [2, ['verify', 'result.json']],
  ])('%i of %j', async (code, args) => {
    expect((await test.cli(...args)).code).toBe(code);
  });
});

describe('docs/verifying.md', () => {
  const text = page('docs/verifying.md');

  it('has every reason code of the verifier, in its order', () => {
    const codes = firstCells(section(text, 'Reason codes')).flatMap(
      (cell) => /^`(\w+)`$/.exec(cell)?.[1] ?? [],
    );
    expect(codes).toEqual(verifyCodes);
  });

  it('has every option of the command, and no other', () => {
    const listed = firstCells(section(text, 'What it takes')).flatMap(
      (cell) => /^`(--\w+)/.exec(cell)?.[1] ?? [],
    );
    const { stdout } = spawnSync(process.execPath, [countersign, 'help', 'verify'], { encoding: 'utf8' });
    const offered = [...stdout.matchAll(/^ {2}(--\w+)/gm)].map(([, option]) => option ?? '');
    expect([...new Set(listed)].toSorted()).toEqual(offered.toSorted());
  });
});
