import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { countersign, testHome, type TestHome } from '../support/home.ts';

let home: TestHome;
const mended: (() => void)[] = [];

beforeAll(async () => {
  home = await testHome();
});
afterEach(() => {
  for (const mend of mended.splice(0)) mend();
});
afterAll(() => home[Symbol.asyncDispose]());

interface Report {
  readonly ok: boolean;
  readonly findings: readonly { level: string; about: string; subject: string; message: string }[];
}

function doctor(...args: string[]): { readonly status: number | null; readonly report: Report } {
  const { status, stdout } = spawnSync(process.execPath, [countersign, 'doctor', '--json', ...args], {
    env: home.env,
    cwd: home.work,
    encoding: 'utf8',
  });
  return { status, report: JSON.parse(stdout) as Report };
}

function problems(...args: string[]): readonly string[] {
  const { status, report } = doctor(...args);
  const found = report.findings.filter(({ level }) => level === 'problem');
  expect({ status, ok: report.ok }).toEqual(
    found.length > 0 ? { status: 1, ok: false } : { status: 0, ok: true },
  );
  return found.map(({ subject, message }) => `${subject}: ${message}`).filter((text) => !isOfCheckout(text));
}

/** A checkout that its group may write is nothing that could run isolated, and nothing that is tested here. */
function isOfCheckout(text: string): boolean {
  const folders = [process.execPath, countersign].flatMap((file) => [file, ...ancestors(file)]);
  return (
    text.includes('isolated') &&
    folders.some((folder) => text.includes(` ${folder} `) || text.includes(` ${folder}.`))
  );
}

function ancestors(path: string): readonly string[] {
  const above = dirname(path);
  return above === path ? [] : [above, ...ancestors(above)];
}

function write(path: string, content: unknown): void {
  const file = join(home.work, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content));
}

function mode(path: string, to: number): void {
  const before = statSync(path).mode & 0o7777;
  chmodSync(path, to);
  mended.push(() => chmodSync(path, before));
}

/** Everything of a folder that a change would change. */
function stateOf(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((name) => {
    const { mode: bits, size, mtimeMs } = statSync(join(folder, name));
    return [name, bits, size, mtimeMs].join(' ');
  });
}

describe('countersign doctor', () => {
  it('finds nothing wrong with a new home, and leaves it as it is', () => {
    const before = stateOf(home.home);
    expect(problems()).toEqual([]);
    expect(stateOf(home.home)).toEqual(before);
  });

  it('names each server that a host starts past the gate, and nothing that stands beside its name', () => {
    write('.cursor/mcp.json', {
      mcpServers: {
        'bare\u001b[2J': { command: 'npx', args: ['server', '--token', 'sesame'], env: { KEY: 'sesame' } },
        governed: { command: 'countersign', args: ['wrap', '--', 'server'] },
      },
    });
    mended.push(() => write('.cursor/mcp.json', {}));
    expect(problems()).toEqual([expect.stringContaining('is not wrapped')]);
    const { stdout, status } = spawnSync(process.execPath, [countersign, 'doctor'], {
      env: home.env,
      cwd: home.work,
      encoding: 'utf8',
    });
    expect(status).toBe(1);
    expect(stdout).toContain('bare\\u{1b}[2J (Cursor');
    expect(stdout).not.toContain('\u001b');
    expect(stdout).not.toContain('sesame');
    expect(stdout).toMatch(/1 problem\.\n$/);
  });

  it.each([
    ['the home', '.', 0o750],
    ['its keys', 'keys', 0o755],
    ['one key', 'keys/log.key.pem', 0o640],
    ['the API keys', 'api-keys.json', 0o604],
    ['the policy', 'policy.yaml', 0o622],
  ])('finds that others have access to %s', (_, path, to) => {
    mode(join(home.home, path), to);
    expect(problems()).toEqual([expect.stringContaining(`chmod go`)]);
  });

  it('finds a home that others can move away', () => {
    mode(home.work, 0o777);
    expect(problems()).toEqual([expect.stringContaining('could be replaced')]);
  });

  it('finds a clock that is behind what the home has written', () => {
    const ledger = join(home.home, 'ledger.sqlite');
    const { atime, mtime } = statSync(ledger);
    mended.push(() => utimesSync(ledger, atime, mtime));
    utimesSync(ledger, atime, new Date(Date.now() + 3_600_000));
    expect(problems()).toEqual([expect.stringContaining('CLOCK_BEHIND')]);
  });

  it('takes a home that is not there for that of another user', () => {
    expect(problems('--home', join(home.work, 'none'))).toEqual([]);
  });

  it('finds a socket that everybody may call, and one that anybody could have made', async () => {
    const socket = join(home.work, 'gate.sock');
    const server = createServer().listen(socket);
    await new Promise((resolve) => server.once('listening', resolve));
    chmodSync(socket, 0o666);
    expect(problems('--gate', `unix:${socket}`)).toEqual([expect.stringContaining('everybody may connect')]);
    chmodSync(socket, 0o660);
    expect(problems('--gate', `unix:${socket}`)).toEqual([]);
    mode(home.work, 0o1777);
    expect(problems('--gate', `unix:${socket}`)).toEqual([expect.stringContaining('anybody could answer')]);
    await new Promise((resolve) => server.close(resolve));
  });

  it('finds what is wrong with a gateway’s configuration, its policies and its mode', () => {
    write('gate/policy.yaml', readFileSync(join(home.home, 'policy.yaml'), 'utf8'));
    write('gate/c.yaml', 'version: 1\nmode: isolated\npolicies: [policy.yaml]\n');
    const config = join(home.work, 'gate', 'c.yaml');
    expect(problems('--config', config)).toEqual([]);
    mode(join(home.work, 'gate', 'policy.yaml'), 0o666);
    expect(problems('--config', config)).toEqual([
      expect.stringContaining('others can change it'),
      expect.stringContaining('mode: isolated cannot be true here'),
    ]);
    write('gate/c.yaml', 'version: 2\n');
    expect(problems('--config', config)).toEqual([expect.stringContaining('c.yaml:1:1')]);
  });
});
