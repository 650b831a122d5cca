import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { chmodSync, chownSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { whoElseMayReplace } from '../../src/runtime/file-guard.ts';
import { countersign, filesystemServer, testHome } from '../support/home.ts';
import { startWire, type Wire } from '../support/wire.ts';

/**
 * Two users and a group between them, as numbers that nobody has to have set up: the gate's, and the agent's, who is in the group
 * that may call. Only root can become them.
 */
const gateUser = 64_001;
const agentUser = 64_002;
const callers = 64_003;
const stranger = 64_004;
const canBecomeOthers = process.getuid?.() === 0 && isInstalledFor(gateUser);

/** Whether another user can run what is tested here, and nobody but him and root could change it. */
function isInstalledFor(uid: number): boolean {
  const program = [process.execPath, countersign];
  const { status } = spawnSync(process.execPath, [countersign, '--version'], { uid, gid: uid, cwd: '/' });
  return status === 0 && program.every((file) => whoElseMayReplace(dirname(file), [uid]) === undefined);
}

let work: string;
let home: string;
let socket: string;
let apiKey: string;
let trustFile: string;
let gate: ChildProcess;
let said = '';

interface As {
  readonly uid: number;
  readonly gid: number;
}
const theGate: As = { uid: gateUser, gid: callers };
const theAgent: As = { uid: agentUser, gid: callers };

const baseEnv = (): NodeJS.ProcessEnv => ({ PATH: process.env['PATH'], HOME: join(work, 'nowhere') });
const gateEnv = (): NodeJS.ProcessEnv => ({ ...baseEnv(), COUNTERSIGN_HOME: home });

function run(as: As, env: NodeJS.ProcessEnv, ...args: string[]) {
  return spawnSync(process.execPath, [countersign, ...args], { ...as, env, cwd: '/', encoding: 'utf8' });
}

/** A command of the system, as the agent. */
function tries(command: string, ...args: string[]): string {
  const { status, stderr } = spawnSync(command, args, { ...theAgent, cwd: '/', encoding: 'utf8' });
  return status === 0 ? 'done' : stderr;
}

function owned(path: string, mode: number, { uid, gid }: As): string {
  mkdirSync(path, { recursive: true });
  chownSync(path, uid, gid);
  chmodSync(path, mode);
  return path;
}

function configuration(extra = ''): string {
  const file = join(work, 'etc', 'countersign.yaml');
  const policy = join(work, 'etc', 'policy.yaml');
  writeFileSync(
    policy,
    `version: 1
name: all
rules:
  - { id: files, effect: allow, tools: ["files/*"] }
`,
  );
  writeFileSync(
    file,
    `version: 1
mode: isolated
policies: [policy.yaml]
servers:
  files: { command: "${process.execPath}", args: ["${filesystemServer}", "${join(work, 'files')}"] }
${extra}`,
  );
  return file;
}

function startGate(config: string): ChildProcess {
  said = '';
  const child = spawn(process.execPath, [countersign, 'serve', '--config', config, '--socket', socket], {
    ...theGate,
    env: gateEnv(),
    cwd: '/',
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (said += chunk));
  return child;
}

async function listening(child: ChildProcess): Promise<void> {
  while (!said.includes(`listening on unix:${socket}`)) {
    if (child.exitCode !== null) throw new Error(said);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

async function stop(child: ChildProcess, signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
  const ended = new Promise((resolve) => child.once('close', resolve));
  child.kill(signal);
  await ended;
}

/** The relay as a user runs it, through a launcher: `startWire` itself becomes nobody. */
function wrap(as: As, key = apiKey): Wire {
  const script = `const { spawn } = require('node:child_process');
spawn(process.execPath, ${JSON.stringify([countersign, 'wrap', '--gate', `unix:${socket}`, '--name', 'files'])},
  { uid: ${as.uid}, gid: ${as.gid}, cwd: '/', stdio: 'inherit' }).on('close', (code) => process.exit(code ?? 1));`;
  return startWire(process.execPath, ['-e', script], { ...baseEnv(), COUNTERSIGN_API_KEY: key });
}

async function handshake(wire: Wire): Promise<void> {
  const params = {
    protocolVersion: '2025-11-25',
    capabilities: {},
    clientInfo: { name: 'e2e', version: '1' },
  };
  expect(await wire.request('initialize', params)).toMatchObject({
    result: { protocolVersion: '2025-11-25' },
  });
  wire.send('{"jsonrpc":"2.0","method":"notifications/initialized"}\n');
}

describe.skipIf(!canBecomeOthers)('a gate of another user (needs root, to become two users)', () => {
  beforeAll(async () => {
    work = mkdtempSync(join(tmpdir(), 'countersign-isolated-'));
    chmodSync(work, 0o755);
    home = join(owned(join(work, 'var'), 0o755, theGate), 'home');
    socket = join(owned(join(work, 'run'), 0o750, theGate), 'gate.sock');
    owned(join(work, 'files'), 0o755, theGate);
    writeFileSync(join(work, 'files', 'hello.txt'), 'hello\n');
    mkdirSync(join(work, 'etc'));
    const made = run(theGate, gateEnv(), 'init', '--json');
    expect(made.stderr).toBe('');
    ({ apiKey } = JSON.parse(made.stdout) as { apiKey: string });
    trustFile = join(work, 'trusted_root.json');
    writeFileSync(trustFile, run(theGate, gateEnv(), 'trust').stdout);
    gate = startGate(configuration());
    await listening(gate);
  });

  afterAll(async () => {
    if (gate.exitCode === null) await stop(gate);
    rmSync(work, { recursive: true, force: true });
  });

  it('governs what the agent calls through the thin relay, and states its mode', async () => {
    const wire = wrap(theAgent);
    await handshake(wire);
    const { result } = await wire.request('tools/call', {
      name: 'read_text_file',
      arguments: { path: join(work, 'files', 'hello.txt') },
    });
    expect(result?.['content']).toEqual([{ type: 'text', text: 'hello\n' }]);
    expect((await wire.end()).code).toBe(0);
    const file = join(work, 'result.json');
    writeFileSync(file, JSON.stringify(result));
    const verified = run(theAgent, baseEnv(), 'verify', '--trust', trustFile, '--json', file);
    expect(verified.status).toBe(0);
    expect(verified.stdout).toMatch(/"mode":\s*"isolated"/);
    const shown = run(theAgent, baseEnv(), 'verify', '--trust', trustFile, file);
    expect(shown.stdout).toMatch(/mode\s+isolated/);
  });

  it('has keys, policy and ledger that the agent can neither read nor change', () => {
    for (const path of [
      'keys/log.key.pem',
      'keys/issuing.key.pem',
      'api-keys.json',
      'policy.yaml',
      'ledger.sqlite',
    ])
      expect(tries('cat', join(home, path))).toMatch(/denied/i);
    expect(tries('ls', home)).toMatch(/denied/i);
    expect(tries('touch', join(work, 'etc', 'policy.yaml'))).toMatch(/denied/i);
    expect(tries('mv', home, join(work, 'var', 'elsewhere'))).toMatch(/denied/i);
    expect(tries('kill', String(gate.pid))).toMatch(/permitted/i);
    const asked = run(theAgent, { ...baseEnv(), COUNTERSIGN_HOME: home }, 'log', 'tail');
    expect(asked.status).toBe(1);
  });

  it('has a socket whose place the agent cannot take', () => {
    expect(tries('rm', '-f', socket)).toMatch(/denied/i);
    expect(tries('mv', socket, join(work, 'run', 'other'))).toMatch(/denied/i);
    expect(tries('ln', '-s', '/tmp/other', join(work, 'run', 'link'))).toMatch(/denied/i);
  });

  it('is not reached by a user outside its group, who is told so', async () => {
    const wire = wrap({ uid: stranger, gid: stranger });
    const { error } = await wire.request('tools/call', { name: 'read_text_file', arguments: {} });
    expect(error?.data).toEqual({ code: 'GATE_UNREACHABLE' });
    expect((await wire.end()).code).toBe(1);
  });

  it('runs nothing for a key that is not its own', async () => {
    const wire = wrap(theAgent, `${apiKey.slice(0, -1)}${apiKey.endsWith('0') ? '1' : '0'}`);
    const { error } = await wire.request('tools/call', { name: 'read_text_file', arguments: {} });
    expect(error?.data?.['code']).toMatch(/^API_KEY_/);
    expect((await wire.end()).code).toBe(1);
  });

  it('is what doctor finds nothing wrong with, from either side', () => {
    const there = run(
      theGate,
      gateEnv(),
      'doctor',
      '--config',
      join(work, 'etc', 'countersign.yaml'),
      '--gate',
      `unix:${socket}`,
    );
    expect(there.stdout).not.toContain('problem');
    expect(there.status).toBe(0);
    const here = run(theAgent, baseEnv(), 'doctor', '--gate', `unix:${socket}`, '--json');
    expect(here.status).toBe(0);
    expect(JSON.parse(here.stdout)).toMatchObject({ ok: true });
  });

  it('leaves the relay without an answer when it is killed, and takes its socket again', async () => {
    await stop(gate, 'SIGKILL');
    expect(existsSync(socket)).toBe(true);
    const wire = wrap(theAgent);
    const { error } = await wire.request('tools/call', { name: 'read_text_file', arguments: {} });
    expect(error?.data).toEqual({ code: 'GATE_UNREACHABLE' });
    expect(error?.message).toContain('nothing ran');
    gate = startGate(configuration());
    await listening(gate);
    await handshake(wire);
    expect((await wire.end()).code).toBe(0);
    await stop(gate);
    expect(existsSync(socket)).toBe(false);
  });

  it.each([
    [
      'its home can be read by others',
      () => chmodSync(join(home, 'api-keys.json'), 0o644),
      () => chmodSync(join(home, 'api-keys.json'), 0o600),
    ],
    [
      'its policy can be changed by others',
      () => chmodSync(join(work, 'etc', 'policy.yaml'), 0o666),
      () => chmodSync(join(work, 'etc', 'policy.yaml'), 0o644),
    ],
    [
      'its home can be moved away by others',
      () => chmodSync(join(work, 'var'), 0o777),
      () => chmodSync(join(work, 'var'), 0o755),
    ],
    [
      'only its own user could call it',
      () => chmodSync(join(work, 'run'), 0o700),
      () => chmodSync(join(work, 'run'), 0o750),
    ],
  ])('does not start in this mode when %s', async (_, spoil, mend) => {
    const config = configuration();
    spoil();
    try {
      const refused = startGate(config);
      const code = await new Promise((resolve) => refused.once('close', resolve));
      expect(code).toBe(1);
      expect(said).toMatch(/^countersign: CONFIG_INVALID: mode: isolated cannot be true here: /);
      expect(existsSync(socket)).toBe(false);
    } finally {
      mend();
    }
  });

  it('does not start where somebody else has put a socket, or a link', async () => {
    const squatter = createServer();
    await new Promise<void>((resolve) => squatter.listen(socket, resolve));
    const refused = startGate(configuration());
    expect(await new Promise((resolve) => refused.once('close', resolve))).toBe(1);
    expect(said).toContain('CONFIG_INVALID');
    await new Promise((resolve) => squatter.close(resolve));
  });
});

describe('a mode that cannot be true', () => {
  it('is refused where API keys would cross a network in the clear', async () => {
    await using test = await testHome();
    const config = join(test.work, 'c.yaml');
    writeFileSync(config, 'version: 1\nmode: isolated\nlisten: { host: 0.0.0.0, port: 0 }\n');
    const { code, stderr } = await test.cli('serve', '--config', config);
    expect(code).toBe(1);
    expect(stderr).toMatch(/CONFIG_INVALID: mode: isolated cannot be true here: 0\.0\.0\.0 /);
  });
});
