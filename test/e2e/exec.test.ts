import { spawn, type ChildProcessByStdio } from 'node:child_process';
import type { Readable } from 'node:stream';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { blocks, page } from '../docs/pages.ts';
import { countersign, runCountersign, testHome, type Finished, type TestHome } from '../support/home.ts';
import { startServing } from '../support/serving.ts';

const policy = `version: 1
name: ci
rules:
  - { id: programs, effect: allow, tools: ["*/exec"], when: 'args.stdin.kind != "terminal"' }
`;

let home: TestHome;
let work: string;
let at = 0;

beforeAll(async () => {
  home = await testHome();
  writeFileSync(join(home.work, 'ci.yaml'), policy);
});
afterAll(() => home[Symbol.asyncDispose]());
beforeEach(() => {
  work = realpathSync(home.work) + `/${(at += 1)}`;
  mkdirSync(work);
});

interface Given {
  readonly env?: NodeJS.ProcessEnv;
  readonly input?: string;
}

/** `args` are those of `countersign exec`; the policy above holds unless they name another gate. */
function exec(args: readonly string[], { env = {}, input }: Given = {}): Promise<Finished> {
  const own = args.includes('--gate') ? [] : ['--policy', join(home.work, 'ci.yaml')];
  return runCountersign({
    env: { ...home.env, ...env },
    args: ['exec', ...own, ...args],
    cwd: work,
    ...(input !== undefined && { input }),
  });
}

const node = (script: string): string[] => ['--', process.execPath, '-e', script];
const touch = (): string[] => node("require('fs').writeFileSync('ran', '')");
const ran = (): boolean => existsSync(join(work, 'ran'));
const read = (name: string): string => readFileSync(join(work, name), 'utf8');
const summary = (): Record<string, unknown> => JSON.parse(read('summary.json')) as Record<string, unknown>;

async function verify(expectation: string): Promise<unknown> {
  const { stdout } = await home.cli(
    ...['verify', '--trust', home.trustFile, '--expect', expectation, '--json', join(work, 'e.json')],
  );
  return JSON.parse(stdout);
}

async function shown(callId: string): Promise<Record<string, never>> {
  const { stdout } = await home.cli('log', 'show', callId);
  const { outcome } = JSON.parse(stdout) as { outcome: { dsseEnvelope: { payload: string } } | null };
  const text = Buffer.from(outcome?.dsseEnvelope.payload ?? '', 'base64').toString() || '{}';
  return (JSON.parse(text) as { predicate?: Record<string, never> }).predicate ?? {};
}

/** Started and left to itself, until it has said that it runs. */
async function start(
  script: string,
  ...options: string[]
): Promise<{ child: ChildProcessByStdio<null, Readable, Readable>; end: Promise<unknown> }> {
  const args = ['exec', '--policy', join(home.work, 'ci.yaml'), '--summary', 'summary.json', ...options];
  const child = spawn(process.execPath, [countersign, ...args, '--envelope', 'e.json', ...node(script)], {
    env: home.env,
    cwd: work,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const end = new Promise((resolve) => child.once('close', resolve));
  let said = '';
  child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()));
  await expect.poll(() => said).toContain('here');
  return { child, end };
}

describe('a command that policy allows', () => {
  it('runs as it would without us, and leaves evidence that verifies', async () => {
    const script =
      'process.stdin.pipe(process.stdout); console.error(process.env.STAGE); process.exitCode = 3';
    const { code, stdout, stderr } = await exec(
      [
        '--as',
        'echo',
        '--env',
        'STAGE=blue',
        '--envelope',
        'e.json',
        '--summary',
        'summary.json',
        ...node(script),
      ],
      { input: 'from a pipe' },
    );
    expect({ code, stdout, stderr }).toEqual({ code: 3, stdout: 'from a pipe', stderr: 'blue\n' });
    expect(await verify('executed')).toMatchObject({
      ok: true,
      calls: [
        {
          binding: { result: 'raw' },
          envelopes: [{ verdict: 'ALLOW', tool: 'echo/exec' }, { outcome: 'executed' }],
        },
      ],
    });
    expect(statSync(join(work, 'e.json')).mode & 0o777).toBe(0o600);
    expect(summary()).toMatchObject({
      tool: 'echo/exec',
      decision: 'ALLOW',
      exitCode: 3,
      result: { exitCode: 3 },
    });
    const { stdout: action } = await home.cli('log', 'show', String(summary()['callId']), '--action');
    expect(JSON.parse(action)).toMatchObject({
      arguments: {
        command: realpathSync(process.execPath),
        argv: [process.execPath, '-e', script],
        cwd: work,
        env: { STAGE: 'blue', COUNTERSIGN_DEPTH: '1' },
        stdin: { kind: 'bytes', bytes: 11 },
      },
    });
    writeFileSync(join(work, 'e.json'), read('e.json').replace('"exitCode":3', '"exitCode":0'));
    expect(await verify('executed')).toMatchObject({ ok: false });
  });

  it('has its secret, and nothing of countersign’s; what is kept here has the digest alone', async () => {
    const { stdout } = await exec(
      ['--secret', 'TOKEN', '--summary', 'summary.json', ...node('console.log(JSON.stringify(process.env))')],
      {
        env: { TOKEN: 'a-secret-of-the-step', LD_DEBUG_OUTPUT: 'x' },
      },
    );
    const env = JSON.parse(stdout) as Record<string, string>;
    expect(env['TOKEN']).toBe('a-secret-of-the-step');
    expect(Object.keys(env).filter((name) => /^COUNTERSIGN|^LD_/.test(name))).toEqual(['COUNTERSIGN_DEPTH']);
    const { stdout: action } = await home.cli('log', 'show', String(summary()['callId']), '--action');
    expect(action).toContain('"TOKEN"');
    expect(action).not.toContain('a-secret-of-the-step');
  });

  it('is settled also when nobody reads its output to the end', async () => {
    const { child, end } = await start(
      "process.stdout.on('error', () => process.exit(9)); setInterval(() => process.stdout.write('here'.repeat(999)), 1)",
    );
    child.stdout.destroy();
    expect(await end).toBe(9);
    expect(await verify('executed')).toMatchObject({ ok: true });
    expect(summary()).toMatchObject({ result: { exitCode: 9, stdout: { complete: false } } });
  });

  it('needs no policy of its own once an operator has accepted it', async () => {
    const plain = (): Promise<Finished> =>
      runCountersign({ env: home.env, cwd: work, args: ['exec', '--as', 'accepted', ...touch()] });
    expect(await plain()).toMatchObject({ code: 125, stdout: '' });
    expect(ran()).toBe(false);
    expect(await home.cli('tools', 'accept', 'accepted', 'exec')).toMatchObject({ code: 0 });
    expect(await plain()).toMatchObject({ code: 0 });
    expect(ran()).toBe(true);
  });
});

describe('a command that is refused', () => {
  it('does not run, says why on stderr, and leaves a signed denial', async () => {
    const args = ['--shell', '--envelope', 'e.json', '--summary', 'summary.json', '--', 'echo ran > ran'];
    const { code, stdout, stderr } = await exec(args);
    expect({ code, stdout }).toEqual({ code: 125, stdout: '' });
    expect(stderr).toContain('NO_RULE_ALLOWS');
    expect(stderr).toContain(String(summary()['callId']));
    expect(ran()).toBe(false);
    expect(summary()).toMatchObject({
      tool: 'sh/shell',
      decision: 'DENY',
      code: 'NO_RULE_ALLOWS',
      exitCode: 125,
    });
    expect(await verify('deny')).toMatchObject({ ok: true });
  });

  it('is another executable under a name that was used', async () => {
    expect(await exec(['--as', 'deploy', '--', '/bin/echo', 'x'])).toMatchObject({ code: 0 });
    const { code, stderr } = await exec(['--as', 'deploy', ...touch()]);
    expect({ code, ran: ran() }).toEqual({ code: 125, ran: false });
    expect(stderr).toContain('SERVER_CHANGED');
  });

  it('is what a PATH in front of the right one leads to', async () => {
    const tool = (folder: string): string => {
      mkdirSync(join(work, folder));
      writeFileSync(join(work, folder, 'tool'), '#!/bin/sh\necho ran > ran\n');
      chmodSync(join(work, folder, 'tool'), 0o755);
      return join(work, folder);
    };
    const [good, evil] = [tool('good'), tool('evil')];
    const path = String(process.env['PATH']);
    expect(await exec(['--', 'tool'], { env: { PATH: `${good}:${path}` } })).toMatchObject({ code: 0 });
    rmSync(join(work, 'ran'));
    const { stderr } = await exec(['--', 'tool'], { env: { PATH: `${evil}:${good}:${path}` } });
    expect(stderr).toContain('SERVER_CHANGED');
    expect(ran()).toBe(false);
  });

  it.each([
    ['API_KEY_', 'a wrong key', { COUNTERSIGN_API_KEY: 'cs_wrong' }],
    ['API_KEY_MISSING', 'no key', { COUNTERSIGN_API_KEY: undefined }],
    ['HOME_MISSING', 'no home', { COUNTERSIGN_HOME: '/nowhere/at/all' }],
  ])(
    'does not run with %s for %s, and an older envelope is not left for this one’s',
    async (code, _, env) => {
      writeFileSync(join(work, 'e.json'), 'of an earlier run');
      const refused = await exec(['--envelope', 'e.json', ...touch()], { env });
      expect(refused).toMatchObject({ code: 125, stdout: '' });
      expect(refused.stderr).toContain(code);
      expect([ran(), existsSync(join(work, 'e.json'))]).toEqual([false, false]);
    },
  );
});

describe('the policy of docs/exec.md', () => {
  it('lets a deployment to staging through, and nothing that is like it', async () => {
    writeFileSync(join(work, 'pipeline.yaml'), blocks(page('docs/exec.md'), 'yaml')[0] ?? '');
    writeFileSync(join(work, 'deploy.sh'), '#!/bin/sh\necho "$1"\n', { mode: 0o755 });
    // A home in which the name is nobody's yet.
    const root = join(work, 'home');
    const { apiKey } = JSON.parse((await home.cli('init', '--home', root, '--json')).stdout) as {
      apiKey: string;
    };
    const env = { ...home.env, COUNTERSIGN_HOME: root, COUNTERSIGN_API_KEY: apiKey };
    const tried = [
      ['--as', 'another', '--', './deploy.sh', 'staging'],
      ['--', './deploy.sh', 'production'],
      ['--env', 'LD_PRELOAD=', '--', './deploy.sh', 'staging'],
      ['--shell', '--', './deploy.sh staging'],
      ['--', './deploy.sh', 'staging'],
    ];
    const codes: number[] = [];
    for (const args of tried) {
      const own = ['exec', '--policy', 'pipeline.yaml', ...args];
      codes.push((await runCountersign({ env, args: own, cwd: work })).code);
    }
    expect(codes).toEqual([125, 125, 125, 125, 0]);
  });

  it('holds for several commands at once', async () => {
    const all = await Promise.all(
      [1, 2, 3].map((code) => exec(['--as', 'many', ...node(`process.exit(${code})`)])),
    );
    expect(all.map(({ code, stderr }) => ({ code, stderr }))).toEqual(
      [1, 2, 3].map((code) => ({ code, stderr: '' })),
    );
  });
});

describe('the exit code', () => {
  it.each([
    [0, 'the command’s own', node('')],
    [143, '128 + n after signal n', node('process.kill(process.pid, "SIGTERM"); setTimeout(() => 0, 1e5)')],
    [127, 'no such command', ['--', 'no-such-command']],
    [126, 'it cannot be executed', ['--', '/etc/passwd']],
    [125, 'a variable that is not there', ['--env', 'NO_SUCH_VARIABLE', ...touch()]],
    [2, 'no dashes', ['node', '-e', '0']],
    [2, 'no command', ['--']],
    [2, 'an option of nobody', ['--frobnicate', ...touch()]],
    [2, 'a name that cannot be one', ['--as', '../x', ...touch()]],
    [2, 'the API key for the command', ['--env', 'COUNTERSIGN_API_KEY', ...touch()]],
    [2, 'a terminal that is none', ['--stdin', 'terminal', ...touch()]],
    [2, 'an envelope that cannot be written', ['--envelope', 'no/such/folder', ...touch()]],
    [2, 'one file for two things', ['--envelope', 'x', '--summary', './x', ...touch()]],
    [2, 'a home and a gate', ['--gate', 'http://127.0.0.1:1', '--home', 'x', ...touch()]],
  ])('is %i: %s', async (code, _, args) => {
    expect((await exec(args)).code).toBe(code);
    expect(ran()).toBe(false);
  });
});

describe('a command that is interrupted', () => {
  it('is told, and what it then does is signed', async () => {
    const { child, end } = await start(
      "process.on('SIGTERM', () => process.exit(21)); console.log('here'); setInterval(() => 0, 1e6)",
    );
    child.kill('SIGTERM');
    expect(await end).toBe(21);
    expect(await verify('executed')).toMatchObject({ ok: true });
  });

  it('is not begun any more while its input is awaited', async () => {
    const args = ['exec', '--policy', join(home.work, 'ci.yaml'), '--envelope', 'e.json', ...touch()];
    const child = spawn(process.execPath, [countersign, ...args], { env: home.env, cwd: work });
    const end = new Promise((resolve) => child.once('close', resolve));
    let said = '';
    child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
    await expect.poll(() => said).toContain('--stdin none');
    child.kill('SIGTERM');
    expect(await end).toBe(143);
    expect([ran(), existsSync(join(work, 'e.json'))]).toEqual([false, false]);
  });

  it('is ended when its tool is revoked, and nobody says how far it came', async () => {
    const { end } = await start("console.log('here'); setInterval(() => 0, 1e6)", '--as', 'revoked');
    await home.cli('revoke', 'tool', 'revoked/exec');
    expect(await end).toBe(125);
    expect(summary()).toMatchObject({ decision: 'ALLOW', code: 'TOOL_REVOKED' });
    expect(await shown(String(summary()['callId']))).toMatchObject({ outcome: 'unknown' });
    expect(await verify('executed')).toMatchObject({ ok: false });
  });

  it('is settled as unknown by the next start, when countersign itself was killed', async () => {
    const { child, end } = await start(
      "console.log('here'); process.stdin.resume(); setTimeout(() => 0, 3000)",
    );
    child.kill('SIGKILL');
    await end;
    expect(await exec(node(''))).toMatchObject({ code: 0 });
    const { stdout } = await home.cli('log', 'tail', '-n', '8');
    expect(stdout).toContain('unknown');
  });
});

describe('with a gate elsewhere', () => {
  it('is decided there, runs here, and is reported', { timeout: 120_000 }, async () => {
    await using serving = await startServing(home, {
      name: 'gate.yaml',
      text: 'version: 1\nlisten: { port: 0 }\npolicies: [ci.yaml]\n',
    });
    const gate = ['--gate', serving.url, '--summary', 'summary.json', '--envelope', 'e.json'];
    const done = await exec([...gate, '--as', 'there', ...node('console.log("out"); process.exitCode = 5')]);
    expect(done).toMatchObject({ code: 5, stdout: 'out\n', stderr: '' });
    expect(await verify('executed')).toMatchObject({
      ok: true,
      calls: [{ binding: { result: 'raw' }, envelopes: [{ tool: 'there/exec' }, { observedBy: 'caller' }] }],
    });

    const changed = await exec([...gate, '--as', 'there', '--', '/bin/sh', '-c', 'echo > ran']);
    expect(changed).toMatchObject({ code: 125, stdout: '' });
    expect(summary()).toMatchObject({ decision: 'DENY', code: 'TOOL_CHANGED' });
    expect(await verify('deny')).toMatchObject({ ok: true });

    expect(await exec([...gate, '--as', 'script', '--shell', '--', 'echo > ran'])).toMatchObject({
      code: 125,
    });
    expect(summary()).toMatchObject({ tool: 'script/shell', code: 'NO_RULE_ALLOWS' });
    expect(ran()).toBe(false);
  });

  it('does not run what nobody could be asked about', async () => {
    const { code, stderr } = await exec(['--gate', 'http://127.0.0.1:1', '--envelope', 'e.json', ...touch()]);
    expect({ code, ran: ran(), left: existsSync(join(work, 'e.json')) }).toEqual({
      code: 125,
      ran: false,
      left: false,
    });
    expect(stderr).toContain('GATE_UNREACHABLE');
  });
});
