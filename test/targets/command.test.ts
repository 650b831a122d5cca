import { existsSync, mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { afterAll, describe, expect, it } from 'vitest';
import type { Call } from '../../src/call/call.ts';
import { mintPermit, type Permit } from '../../src/call/permit.ts';
import { hex, sha256, utf8 } from '../../src/call/sha256.ts';
import { CountersignError } from '../../src/errors.ts';
import { createCommandTarget, type CommandTargetOptions } from '../../src/targets/command.ts';
import type { CommandArguments, ExecArguments } from '../../src/targets/command-arguments.ts';
import type { Execution } from '../../src/targets/target.ts';

const folder = realpathSync(mkdtempSync(join(tmpdir(), 'countersign-command-')));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const never = new AbortController().signal;
/** Short ones, so that the tests are. */
const times = { untilKilled: 500, untilLeft: 300 };
const node = realpathSync(process.execPath);

function digest(bytes: string | Uint8Array): string {
  return hex(sha256(typeof bytes === 'string' ? utf8(bytes) : bytes));
}

function running(script: string, changes: Partial<ExecArguments> = {}): CommandArguments {
  const around = { cwd: folder, env: {}, secrets: {}, stdin: { kind: 'none' } } as const;
  return { command: node, argv: ['node', '-e', script], ...around, ...changes };
}

function shell(script: string, args: readonly string[] = []): CommandArguments {
  const env = { PATH: process.env['PATH'] ?? '' };
  return {
    ...{ shell: realpathSync('/bin/sh'), script, args },
    ...{ cwd: folder, env, secrets: {}, stdin: { kind: 'none' } },
  };
}

function permit(given: unknown): Permit {
  const call = { id: '0190a0a0-0000-7000-8000-000000000001', payload: utf8(JSON.stringify(given)) } as Call;
  const wall = Date.now() + 5_000;
  return mintPermit({
    call,
    dispatchBefore: { monotonic: performance.now() + 5_000, wall },
    leaseEnds: wall,
  });
}

interface Ran {
  readonly execution: Execution;
  readonly out: Buffer;
  readonly err: Buffer;
}

interface Hands extends Partial<CommandTargetOptions> {
  readonly signal?: AbortSignal;
}

async function run(given: unknown, { signal = never, ...hands }: Hands = {}): Promise<Ran> {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const [out, err]: [Buffer[], Buffer[]] = [[], []];
  stdout.on('data', (chunk: Buffer) => out.push(chunk));
  stderr.on('data', (chunk: Buffer) => err.push(chunk));
  const target = createCommandTarget({
    ...{ secrets: {}, stdin: new Uint8Array(), stdout, stderr },
    times,
    ...hands,
  });
  const execution = await target.execute(permit(given), signal);
  return { execution, out: Buffer.concat(out), err: Buffer.concat(err) };
}

const value = (execution: Execution): unknown => ('value' in execution ? execution.value : execution);

async function until(condition: () => boolean): Promise<void> {
  await expect.poll(condition, { interval: 10 }).toBe(true);
}

describe('a command that was allowed', () => {
  it('is told by its exit code and by digests of what it wrote, which goes through at once', async () => {
    const { execution, out, err } = await run(
      running('process.stdout.write("to out"); process.stderr.write("to err"); process.exitCode = 7'),
    );
    expect([out.toString(), err.toString()]).toEqual(['to out', 'to err']);
    expect(execution.kind).toBe('result');
    expect(value(execution)).toEqual({
      exitCode: 7,
      stdout: { bytes: 6, sha256: digest('to out') },
      stderr: { bytes: 6, sha256: digest('to err') },
    });
  });

  it('gets its words as they are: no shell reads them', async () => {
    const words = ['$HOME', '`id`', '; true', '*', "'", '"', 'a b', '', '\n', '--', 'ü'];
    const { out } = await run(
      running('', {
        argv: ['node', '-e', 'console.log(JSON.stringify(process.argv.slice(1)))', '--', ...words],
      }),
    );
    expect(JSON.parse(out.toString())).toEqual(words);
  });

  it('has exactly the environment that was decided on, and its own secrets', async () => {
    const env = JSON.parse('{"A": "1", "__proto__": "2"}') as Record<string, string>;
    const { out } = await run(
      running('console.log(JSON.stringify(Object.entries(process.env)))', {
        env,
        secrets: { TOKEN: { sha256: digest('hidden') } },
      }),
      { secrets: { TOKEN: 'hidden', STRAY: 'of another' } },
    );
    const found = (JSON.parse(out.toString()) as [string, string][]).filter(
      ([name]) => !name.startsWith('__CF'),
    );
    expect(found.toSorted()).toEqual([
      ['A', '1'],
      ['TOKEN', 'hidden'],
      ['__proto__', '2'],
    ]);
  });

  it('does not run with a secret or an input that is not the one that was decided on', async () => {
    const marker = join(folder, 'ran');
    const script = `require('fs').writeFileSync(${JSON.stringify(marker)}, '')`;
    const secrets = { TOKEN: { sha256: digest('hidden') } };
    const stdin = { kind: 'bytes', bytes: 2, sha256: digest('ab') } as const;
    for (const [given, hands] of [
      [running(script, { secrets }), { secrets: { TOKEN: 'another' } }],
      [running(script, { secrets }), {}],
      [running(script, { stdin }), { stdin: utf8('ac') }],
    ] as const) {
      const { execution } = await run(given, hands);
      expect(execution.kind).toBe('error');
      expect(value(execution)).toMatchObject({ code: 'COMMAND_NOT_STARTED' });
    }
    expect(existsSync(marker)).toBe(false);
  });

  it('is fed exactly the input, however long, and may stop reading it', async () => {
    const bytes = new Uint8Array(3 << 20).fill(0x61);
    const stdin = { kind: 'bytes', bytes: bytes.length, sha256: digest(bytes) } as const;
    const { execution } = await run(running('process.stdin.pipe(process.stdout)', { stdin }), {
      stdin: bytes,
    });
    expect(value(execution)).toMatchObject({ stdout: { bytes: bytes.length, sha256: digest(bytes) } });
    const closing = await run(running('process.stdin.destroy()', { stdin }), { stdin: bytes });
    expect(value(closing.execution)).toMatchObject({ exitCode: 0 });
  });

  it('is told by the signal that ended it, as shells tell it', async () => {
    const { execution } = await run(
      running('process.kill(process.pid, "SIGTERM"); setTimeout(() => 0, 1e6)'),
    );
    expect(value(execution)).toMatchObject({ exitCode: 143, signal: 'SIGTERM' });
  });

  it('is called by the name that it was given', async () => {
    const { out } = await run(running('', { argv: ['a name', '-p', 'process.argv0'] }));
    expect(out.toString()).toBe('a name\n');
  });

  it('may close its output early, and go on', async () => {
    const { execution } = await run(shell('exec >&-; sleep 0.1; exit 4'));
    expect(value(execution)).toMatchObject({ exitCode: 4, stdout: { bytes: 0 } });
  });

  it('is a script with its arguments, where it was allowed as one', async () => {
    const { out, execution } = await run(shell('printf "%s|" "$0" "$@" $((1 + 1))', ['a b', '$(id)']));
    expect(out.toString()).toBe('sh|a b|$(id)|2|');
    expect(value(execution)).toMatchObject({ exitCode: 0 });
  });
});

describe('a command that cannot be started', () => {
  it.each([
    ['is not there any more', { command: join(folder, 'gone') }, 'ENOENT'],
    ['is a folder', { command: folder }, 'EACCES'],
    ['would work where there is nothing', { cwd: join(folder, 'gone') }, 'ENOENT'],
    ['has more words than the system takes', { argv: ['node', 'x'.repeat(4 << 20)] }, 'E2BIG'],
  ])('fails when it %s', async (_, changes, code) => {
    const { execution } = await run(running('', changes));
    expect(execution.kind).toBe('error');
    expect(value(execution)).toEqual({
      code: 'COMMAND_NOT_STARTED',
      message: `The command could not be started (${code}); nothing ran.`,
    });
  });

  it.each([
    ['no arguments of a command', { argv: [] }],
    ['a word with a NUL', running('', { argv: ['node', 'a\0b'] })],
    ['a variable whose name has “=”', running('', { env: { 'A=B': '' } })],
    ['a value with a NUL', running('', { env: { A: 'x\0' } })],
    ['an input of an unknown kind', { ...running(''), stdin: { kind: 'file' } }],
  ])('is not begun with %s', async (_, given) => {
    const { execution } = await run(given);
    expect(execution).toMatchObject({ kind: 'none', outcome: 'aborted' });
  });
});

describe('its permit', () => {
  it('is used up, and no other object stands for one', async () => {
    const target = createCommandTarget({
      ...{ secrets: {}, stdin: new Uint8Array() },
      ...{ stdout: new PassThrough(), stderr: new PassThrough() },
    });
    const once = permit(running(''));
    expect(await target.execute(once, never)).toMatchObject({ kind: 'result' });
    for (const used of [once, { ...once }])
      expect(await target.execute(used, never)).toMatchObject({ outcome: 'aborted', code: 'PERMIT_EXPIRED' });
  });

  it('is worth nothing once its lease has ended', async () => {
    const { execution } = await run(running(''), { signal: AbortSignal.abort() });
    expect(execution).toMatchObject({ outcome: 'aborted', code: 'CALLER_CANCELLED' });
  });
});

describe('a lease that ends while the command runs', () => {
  it('ends what it started with it, and nobody can say how far it came', async () => {
    const lease = new AbortController();
    const pidFile = join(folder, 'grandchild');
    const ran = run(
      shell('(trap "" TERM; echo $$ > grandchild.tmp; sh -c "echo \\$PPID > grandchild"; sleep 60) & wait'),
      {
        signal: lease.signal,
      },
    );
    await until(() => existsSync(pidFile));
    lease.abort(new CountersignError('AGENT_REVOKED', 'The agent was revoked.'));
    const { execution } = await ran;
    expect(execution).toMatchObject({ kind: 'none', outcome: 'unknown', code: 'AGENT_REVOKED' });
    const pid = Number(readFileSync(pidFile, 'utf8'));
    await until(() => !isAlive(pid));
  });

  it('kills a command that ignores being asked', { timeout: 20_000 }, async () => {
    const lease = new AbortController();
    let out = '';
    const stdout = new PassThrough();
    stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
    const ran = run(
      running(
        'process.on("SIGTERM", () => console.log("no")); console.log("here"); setInterval(() => 0, 1e6)',
      ),
      {
        signal: lease.signal,
        stdout,
      },
    );
    await until(() => out.includes('here'));
    lease.abort(new CountersignError('LEASE_ENDED', 'The lease has ended.'));
    expect((await ran).execution).toMatchObject({ outcome: 'unknown', code: 'LEASE_ENDED' });
    expect(out).toBe('here\nno\n');
  });
});

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    // What has ended and was not fetched yet is not alive.
    return !/^State:\s+Z/m.test(statusOf(pid));
  } catch {
    return false;
  }
}

function statusOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/status`, 'utf8');
  } catch {
    return '';
  }
}

describe('the output of a command', () => {
  it('is not waited for when something that was left behind holds it open', { timeout: 20_000 }, async () => {
    let isLeft = false;
    const { execution, out } = await run(shell('echo done; sleep 20 & exit 0'), {
      onLeft: () => (isLeft = true),
    });
    expect(isLeft).toBe(true);
    expect(out.toString()).toBe('done\n');
    expect(value(execution)).toMatchObject({ exitCode: 0, stdout: { bytes: 5, complete: false } });
  });

  it('waits for a slow reader, also once the command has ended', { timeout: 20_000 }, async () => {
    const stdout = new PassThrough({ highWaterMark: 1 });
    const ran = run(running('process.stdout.write("x".repeat(30_000))'), { stdout: stdout.pause() });
    stdout.removeAllListeners('data');
    stdout.pause();
    await new Promise((resolve) => setTimeout(resolve, 800));
    stdout.on('data', () => undefined).resume();
    expect(value((await ran).execution)).toMatchObject({
      stdout: { bytes: 30_000, sha256: digest('x'.repeat(30_000)) },
    });
  });

  it('breaks with its reader, as it would without us', async () => {
    const stdout = new PassThrough();
    stdout.once('data', () => stdout.destroy(new Error('EPIPE')));
    const { execution } = await run(shell('exec yes'), { stdout });
    expect(value(execution)).toMatchObject({ stdout: { complete: false } });
    expect(value(execution)).not.toMatchObject({ exitCode: 0 });
  });

  it('is the same megabytes on both sides', async () => {
    const { execution, out } = await run(
      running('process.stdout.write(Buffer.alloc(8 << 20, "countersign"))'),
    );
    expect(value(execution)).toMatchObject({ stdout: { bytes: 8 << 20, sha256: digest(out) } });
  });
});
