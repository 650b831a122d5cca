import { spawn } from 'node:child_process';
import { chmodSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { recorded } from '../gateway/hooks/recorded.ts';
import { countersign, runCountersign, type Finished } from '../support/home.ts';
import { hookHome, type HookHome } from '../support/hooks.ts';

const policy = (tools: string): string => `version: 1
name: agents
rules:
  - { id: these, effect: allow, tools: [${tools}] }
`;

let home: HookHome;
beforeAll(async () => {
  home = await hookHome(policy("'claude-code/Bash', 'codex/Bash'"));
});
afterAll(() => home[Symbol.asyncDispose]());

const bash = (id: string, event = 'PreToolUse'): Record<string, unknown> => ({
  session_id: 's',
  cwd: '/tmp',
  hook_event_name: event,
  tool_name: 'Bash',
  tool_input: { command: 'date' },
  tool_use_id: id,
  ...(event === 'PostToolUse' && { tool_response: { stdout: 'now' } }),
});

const said = ({ code, stdout }: Finished): object => ({ code, stdout });

/** A home of its own, for what would disturb the others. */
async function withHome(run: (home: HookHome) => Promise<void>): Promise<void> {
  const own = await hookHome(policy("'claude-code/*'"));
  try {
    await run(own);
  } finally {
    await own[Symbol.asyncDispose]();
  }
}

describe('a hook', { timeout: 60_000 }, () => {
  it('starts the home’s gate, says nothing of what is allowed, and settles it by the event after', async () => {
    expect(said(await home.hook('claude-code', bash('a')))).toEqual({ code: 0, stdout: '' });
    const evidence = join(home.work, 'evidence');
    const after = await home.hook('claude-code', bash('a', 'PostToolUse'), '--envelopes', evidence);
    expect(after).toEqual({ code: 0, stdout: '', stderr: '' });
    expect(await home.calls()).toEqual([{ tool: 'claude-code/Bash', verdict: 'ALLOW', outcome: 'executed' }]);
    expect(readdirSync(join(home.home, 'hooks'))).toEqual([]);

    const [file = ''] = readdirSync(evidence);
    const { stdout } = await home.cli(
      ...['verify', '--trust', home.trustFile, '--expect', 'executed', join(evidence, file)],
    );
    expect(stdout).toContain('result     opened, byte for byte');
  });

  it('says allow only where the host wants it, or the person does', async () => {
    expect((await home.hook('claude-code', bash('b'), '--approve')).stdout).toContain('"allow"');
    expect((await home.hook('codex', bash('b'), '--approve')).code).toBe(2);
  });

  it('is a no with exit code 2, the reason and the call’s id', async () => {
    const { code, stdout, stderr } = await home.hook('claude-code', { ...bash('c'), tool_name: 'Write' });
    expect(code).toBe(2);
    expect(JSON.parse(stdout)).toMatchObject({ hookSpecificOutput: { permissionDecision: 'deny' } });
    expect(stderr).toMatch(/\(NO_RULE_ALLOWS\) \[call [0-9a-f-]{36}\]\n$/);
  });

  it('settles as unknown what ran with other arguments than were decided on, and says so', async () => {
    await home.hook('claude-code', bash('d'));
    const { code, stderr } = await home.hook('claude-code', {
      ...bash('d', 'PostToolUse'),
      tool_input: { command: 'rm -rf /' },
    });
    expect(code).toBe(1);
    expect(stderr).toContain('ARGUMENTS_CHANGED');
    expect((await home.calls()).at(-1)).toMatchObject({ verdict: 'ALLOW', outcome: 'unknown' });
  });

  it.each([
    ['no JSON', 'hello'],
    ['nothing', ''],
    ['another value', '[]'],
    ['a key twice', '{"hook_event_name":"PreToolUse","hook_event_name":"PostToolUse"}'],
    [
      'arguments that two parsers read differently',
      JSON.stringify(bash('e')).replace('{"command"', '{"command":"ls","command"'),
    ],
    ['an unknown event that guards something', JSON.stringify(bash('e', 'PreEverything'))],
  ])('is a no for %s', async (_, input) => {
    expect((await home.hook('claude-code', input)).code).toBe(2);
  });

  it('lets an unknown event pass that guards nothing', async () => {
    expect(await home.hook('claude-code', bash('f', 'Notification'))).toEqual({
      code: 0,
      stdout: '',
      stderr: '',
    });
  });

  it('is a no without an API key, a home or a host, and where no gate answers', async () => {
    const { COUNTERSIGN_API_KEY: _, ...keyless } = home.env;
    const input = JSON.stringify(bash('g'));
    const run = (env: NodeJS.ProcessEnv, ...args: string[]): Promise<Finished> =>
      runCountersign({ env, args: ['hook', ...args], input });
    const nowhere = { ...home.env, COUNTERSIGN_HOME: join(home.work, 'nowhere') };
    const [first, second, third, fourth, fifth] = await Promise.all([
      run(keyless, 'claude-code'),
      run(nowhere, 'claude-code'),
      run(home.env, 'claude'),
      run(home.env, 'claude-code', '--gate', `unix:${join(home.work, 'no.sock')}`),
      run(home.env, 'claude-code', '--no-such-option'),
    ]);
    for (const { code } of [first, second, third, fourth, fifth]) expect(code).toBe(2);
    expect(first.stderr).toContain('API_KEY_MISSING');
    expect(second.stderr).toContain('HOME_MISSING');
    expect(fourth.stderr).toContain('GATE_UNREACHABLE');
  });

  it('asks a gate elsewhere too, and keeps what is open in the user’s state', async () => {
    const state = join(home.work, 'state');
    const env = { ...home.env, COUNTERSIGN_HOME: join(home.work, 'nowhere'), XDG_STATE_HOME: state };
    const args = ['hook', 'claude-code', '--gate', `unix:${home.socket}`];
    const before = await runCountersign({ env, args, input: JSON.stringify(bash('h')) });
    expect(before).toEqual({ code: 0, stdout: '', stderr: '' });
    expect(readdirSync(join(state, 'countersign', 'hooks'))).toHaveLength(1);
    const after = await runCountersign({ env, args, input: JSON.stringify(bash('h', 'PostToolUse')) });
    expect(after).toEqual({ code: 0, stdout: '', stderr: '' });
    expect(readdirSync(join(state, 'countersign', 'hooks'))).toEqual([]);
  });

  it('is a no when it is ended, and when nobody reads what it says', async () => {
    const silent = await silentGate(join(home.work, 'silent.sock'));
    const start = () => {
      const child = spawn(
        process.execPath,
        [countersign, 'hook', 'claude-code', '--gate', `unix:${join(home.work, 'silent.sock')}`],
        { env: home.env, stdio: ['pipe', 'pipe', 'ignore'] },
      );
      child.stdin.end(JSON.stringify(bash('i')));
      return { child, code: new Promise((resolve) => child.once('exit', resolve)) };
    };
    const [ended, unread] = [start(), start()];
    unread.child.stdout.destroy();
    await silent.asked(2);
    ended.child.kill('SIGTERM');
    unread.child.kill('SIGTERM');
    expect(await Promise.all([ended.code, unread.code])).toEqual([2, 2]);
    silent.server.close();
  });

  it('is a no when its own time is over, before the host’s is', async () => {
    const silent = await silentGate(join(home.work, 'slow.sock'));
    const { code, stderr } = await home.hook(
      ...(['claude-code', bash('j'), '--timeout', '1'] as const),
      ...['--gate', `unix:${join(home.work, 'slow.sock')}`],
    );
    expect(code).toBe(2);
    expect(stderr).toContain('GATE_UNREACHABLE');
    silent.server.close();
  });
});

describe('installing a hook', { timeout: 60_000 }, () => {
  it('shows what changes, does it once, writes no key, and takes it out again', async () => {
    const user = join(home.work, 'user');
    mkdirSync(join(user, '.claude'), { recursive: true });
    const file = join(user, '.claude', 'settings.json');
    const theirs = '{\n  "model": "opus"\n}\n';
    writeFileSync(file, theirs);
    const run = (...args: string[]): Promise<Finished> =>
      runCountersign({ env: { ...home.env, HOME: user }, args: ['hook', ...args], cwd: user });

    const shown = await run('install', 'claude-code', '--dry-run', '--gate', 'unix:gate.sock');
    expect(shown).toMatchObject({ code: 0, stderr: '' });
    expect(shown.stdout).toContain(`hook claude-code --gate unix:${join(user, 'gate.sock')}`);
    expect(readFileSync(file, 'utf8')).toBe(theirs);

    expect((await run('install', 'claude-code')).stdout).toContain(`${file} as it was: ${file}.bak`);
    const written = readFileSync(file, 'utf8');
    expect(written).toContain(
      `"command": "${process.execPath} ${countersign} hook claude-code --home ${home.home}"`,
    );
    expect(written).not.toContain(home.apiKey);
    expect((await run('install', 'claude-code')).stdout).toContain('Nothing is to be changed.');
    expect((await run('uninstall', 'claude-code')).code).toBe(0);
    expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual({
      ...JSON.parse(theirs),
      disableSkillShellExecution: true,
    });
  });

  it('refuses what it does not understand with exit code 1, and misuse with 2', async () => {
    const user = join(home.work, 'other');
    mkdirSync(join(user, '.cursor'), { recursive: true });
    writeFileSync(join(user, '.cursor', 'hooks.json'), '{"hooks": [');
    const run = (...args: string[]): Promise<Finished> =>
      runCountersign({ env: { ...home.env, HOME: user }, args: ['hook', 'install', ...args] });
    const refused = await run('cursor');
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain('CONFIG_INVALID');
    expect((await run('cursor', '--user', '--project')).code).toBe(2);
    expect((await run('emacs')).code).toBe(2);
  });
});

describe('what no host sends', { timeout: 60_000 }, () => {
  const kinds = ['claude-code', 'windsurf', 'cline'];
  it('is a no, in the way that each host takes for one', async () => {
    for (const { host, denies } of recorded.filter((each) => kinds.includes(each.host))) {
      const [garbage, misuse] = await Promise.all([
        home.hook(host, '{"'),
        home.hook(host, '{}', '--no-such-option'),
      ]);
      expect(denies(garbage)).toBe(true);
      expect(denies(misuse)).toBe(true);
      expect(garbage.stderr).toContain('(FRAME_INVALID)');
      expect(misuse.stderr).toContain('(USAGE)');
    }
  });
});

describe('the home’s own gate', { timeout: 60_000 }, () => {
  it('is one, however many hooks start it at once', () =>
    withHome(async (own) => {
      const all = await Promise.all(
        Array.from({ length: 8 }, (_, at) => own.hook('claude-code', bash(`call ${at}`))),
      );
      expect(all.map(({ code, stderr }) => ({ code, stderr }))).toEqual(
        all.map(() => ({ code: 0, stderr: '' })),
      );
      expect(own.gates()).toHaveLength(1);

      // Killed, it leaves its socket behind; what was open is settled by the next one.
      for (const pid of own.gates()) process.kill(pid, 'SIGKILL');
      await expect.poll(() => own.gates()).toEqual([]);
      const late = await own.hook('claude-code', bash('call 0', 'PostToolUse'));
      expect(late).toMatchObject({
        code: 1,
        stderr: expect.stringContaining('OUTCOME_UNRECORDED') as unknown,
      });
      expect((await own.hook('claude-code', bash('again'))).code).toBe(0);
      expect(own.gates()).toHaveLength(1);
      const outcomes = (await own.calls()).map(({ outcome }) => outcome);
      expect(outcomes).toEqual([...Array.from({ length: 8 }, () => 'unknown'), undefined]);
    }));

  it('says where to read why it did not start', () =>
    withHome(async (own) => {
      writeFileSync(join(own.home, 'policy.yaml'), 'nonsense');
      const { code, stderr } = await own.hook('claude-code', bash('k'));
      expect(code).toBe(2);
      const log = join(own.home, 'run', 'gate.log');
      expect(stderr).toContain(log);
      expect(readFileSync(log, 'utf8')).toContain('POLICY_INVALID');
    }));

  it('is not asked where somebody else could answer', () =>
    withHome(async (own) => {
      mkdirSync(join(own.home, 'run'));
      chmodSync(join(own.home, 'run'), 0o777);
      const { code, stderr } = await own.hook('claude-code', bash('l'));
      expect(code).toBe(2);
      expect(stderr).toContain('did not start: it ended with 1');
    }));
});

/** Takes connections, and answers nothing. */
async function silentGate(
  path: string,
): Promise<{ readonly server: Server; readonly asked: (times: number) => Promise<void> }> {
  let count = 0;
  const server = createServer((socket) => {
    count += 1;
    socket.on('error', () => undefined).resume();
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  return {
    server,
    asked: (times) => expect.poll(() => count, { timeout: 20_000 }).toBeGreaterThanOrEqual(times),
  };
}
