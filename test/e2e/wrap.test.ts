import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { countersign, testHome, type TestHome } from '../support/home.ts';
import { startWire, type Wire } from '../support/wire.ts';
import { oddServer } from '../support/wrapped.ts';

const effectsServer = new URL('../support/effects-server.mjs', import.meta.url).pathname;

const allowEverything = `version: 1
name: everything
rules:
  - { id: everything, effect: allow, tools: ["*/*"] }
`;

let home: TestHome;

beforeAll(async () => {
  home = await testHome();
  writeFileSync(join(home.home, 'policy.yaml'), allowEverything);
});

afterAll(() => home[Symbol.asyncDispose]());

function wrap(args: readonly string[], env: NodeJS.ProcessEnv = {}): Wire {
  return startWire(process.execPath, [countersign, 'wrap', ...args], { ...home.env, ...env }, home.work);
}

const call = { name: 'perform', arguments: { word: 'x' } };

async function expectExecuted(wire: Wire): Promise<void> {
  const { result } = await wire.request('tools/call', call);
  expect(result).toMatchObject({ content: [{ text: 'x' }] });
}

/** A server that writes its environment and folder to a file, and its words to stderr. */
function tellingServer(): {
  readonly args: string[];
  told(): { env: NodeJS.ProcessEnv; cwd: string; argv: string[] };
} {
  const script = join(home.work, 'telling.ts');
  const file = join(home.work, 'told.json');
  writeFileSync(
    script,
    `import { writeFileSync } from 'node:fs';
const { env, argv } = process;
writeFileSync(${JSON.stringify(file)}, JSON.stringify({ env, cwd: process.cwd(), argv: argv.slice(2) }));
process.stderr.write('a word of the server\\n');
process.stdin.on('data', (line) => {
  const { id } = JSON.parse(String(line));
  process.stdout.write(JSON.stringify({ jsonrpc: '2.0', id, result: {} }) + '\\n');
});
`,
  );
  return {
    args: [script],
    told: () =>
      JSON.parse(readFileSync(file, 'utf8')) as ReturnType<ReturnType<typeof tellingServer>['told']>,
  };
}

describe('wrap --config FILE --server NAME', () => {
  it.each(['mcpServers', 'servers'])('starts what stands under “%s”, with its environment', async (key) => {
    const { args, told } = tellingServer();
    const entry = {
      command: process.execPath,
      args: [...args, 'é "x" $HOME'],
      env: { TOLD: 'by the file', PATH: '/nowhere' },
    };
    writeFileSync(join(home.work, 'hosts.json'), JSON.stringify({ [key]: { other: {}, telling: entry } }));
    const wire = wrap(['--config', 'hosts.json', '--server', 'telling'], {
      TOLD: 'by the host',
      KEPT: 'yes',
    });
    await wire.request('ping');
    expect(told()).toMatchObject({
      argv: ['é "x" $HOME'],
      env: { TOLD: 'by the file', KEPT: 'yes', PATH: '/nowhere' },
    });
    expect((await wire.end()).code).toBe(0);
  });

  it('calls the server in log and policy as the file does, unless --name says otherwise', async () => {
    const entry = { command: process.execPath, args: [effectsServer, join(home.work, 'named')] };
    writeFileSync(join(home.work, 'named.json'), JSON.stringify({ mcpServers: { named: entry } }));
    for (const options of [[], ['--name', 'renamed']]) {
      const wire = wrap(['--config', 'named.json', '--server', 'named', ...options]);
      await expectExecuted(wire);
      await wire.end();
    }
    const { stdout } = await home.cli('log', 'tail', '-n', '100');
    expect(stdout).toContain('named/perform');
    expect(stdout).toContain('renamed/perform');
  });

  const good = { command: 'node' };
  it.each<[string, string, unknown]>([
    ['no file', 'x', undefined],
    ['no JSON', 'x', '{'],
    ['no servers', 'x', {}],
    ['servers that are a list', '0', { mcpServers: [good] }],
    ['no such server', 'y', { mcpServers: { x: good } }],
    ['a name that every object has', 'constructor', { mcpServers: { x: good } }],
    ['the name __proto__', '__proto__', { mcpServers: { x: good } }],
    ['an entry that is a text', 'x', { mcpServers: { x: 'node' } }],
    ['an entry without a command', 'x', { mcpServers: { x: { url: 'https://example.com/mcp' } } }],
    ['an empty command', 'x', { mcpServers: { x: { command: '' } } }],
    ['arguments that are a text', 'x', { mcpServers: { x: { ...good, args: 'server.js' } } }],
    ['an argument that is a number', 'x', { mcpServers: { x: { ...good, args: [1] } } }],
    ['a variable that is a number', 'x', { mcpServers: { x: { ...good, env: { PORT: 1 } } } }],
    ['a server’s name that no policy could say', 'a/b', { mcpServers: { 'a/b': good } }],
  ])('with %s is one sentence and exit code 1', async (_, name, content) => {
    const file = join(home.work, content === undefined ? 'none.json' : 'bad.json');
    if (content !== undefined)
      writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content));
    const { code, stdout, stderr } = await home.cli('wrap', '--config', file, '--server', name);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(/^countersign: CONFIG_INVALID: .+\n$/);
  });
});

describe('the wrapped process', () => {
  it('has the gate’s environment and folder, and not its API key', async () => {
    const { args, told } = tellingServer();
    const wire = wrap(['--name', 'told', '--', process.execPath, ...args], { KEPT: 'yes' });
    await wire.request('ping');
    const { env, cwd } = told();
    expect(env).toMatchObject({ KEPT: 'yes', COUNTERSIGN_DEPTH: '1' });
    expect(JSON.stringify(env)).not.toContain(home.apiKey);
    expect(env).not.toHaveProperty('COUNTERSIGN_API_KEY');
    expect(cwd).toMatch(/countersign-test-\w+$/);
    await wire.end();
    expect(wire.stderr()).toContain('a word of the server\n');
  });

  it.each([0, 1, 5, 255])('ends with exit code %i, and so does wrap', async (code) => {
    const wire = wrap(['--name', `odd-${code}`, '--', process.execPath, oddServer, '--exit', String(code)]);
    await wire.request('ping');
    expect((await wire.end()).code).toBe(code);
  });

  it.each([
    ['SIGINT', 7],
    ['SIGTERM', 143],
  ] as const)('gets %s, and what it makes of it is what wrap ends with', async (signal, code) => {
    const log = join(home.work, `signals-${signal}`);
    const wire = wrap(['--name', signal, '--', process.execPath, oddServer, '--log', log]);
    await wire.request('ping');
    wire.child.kill(signal);
    await expect.poll(() => wire.child.exitCode).toBe(code);
    expect(readFileSync(log, 'utf8')).toContain(`${signal}\n`);
    await wire.end();
  });

  it('that ignores SIGTERM keeps wrap alive, and the calls go on', async () => {
    const log = join(home.work, 'stubborn');
    const server = [process.execPath, oddServer, '--ignore-sigterm', '--log', log];
    const wire = wrap(['--name', 'stubborn', '--', ...server]);
    await wire.request('ping');
    wire.child.kill('SIGTERM');
    await expect.poll(() => readFileSync(log, 'utf8')).toContain('SIGTERM\n');
    expect((await wire.request('tools/call', { name: 'say', arguments: {} })).result).toBeDefined();
    await wire.end();
  });

  it('that makes its file at the first start is the same server at the next', async () => {
    const folder = join(home.work, 'data');
    mkdirSync(folder);
    for (const start of ['first', 'second']) {
      const wire = wrap(['--name', 'maker', '--', process.execPath, effectsServer, './data/effects.db']);
      expect(existsSync(join(folder, 'effects.db'))).toBe(start === 'second');
      await expectExecuted(wire);
      await wire.end();
    }
  });

  it('that is a gate itself is stopped before it starts itself again and again', async () => {
    const { code, stderr } = await new Promise<{ code: number | null; stderr: string }>((resolve) => {
      const wire = wrap(['--name', 'deep', '--', process.execPath, oddServer], { COUNTERSIGN_DEPTH: '3' });
      void wire.request('ping').then(async ({ error }) => {
        expect(error?.data).toMatchObject({ code: 'CONFIG_INVALID' });
        resolve({ code: (await wire.end()).code, stderr: wire.stderr() });
      });
    });
    expect(code).toBe(1);
    expect(stderr).toContain('CONFIG_INVALID');
  });
});

describe('--policy', () => {
  const rule = (id: string, effect: string, tools: string): string =>
    `version: 1\nname: ${id}\nrules:\n  - { id: ${id}, effect: ${effect}, tools: ["${tools}"] }\n`;
  const run = async (...files: string[]): Promise<Wire> => {
    const options = files.flatMap((text, at) => {
      writeFileSync(join(home.work, `policy-${at}.yaml`), text);
      return ['--policy', `policy-${at}.yaml`];
    });
    return wrap([
      '--name',
      'ruled',
      ...options,
      '--',
      process.execPath,
      effectsServer,
      join(home.work, 'ruled'),
    ]);
  };
  const codeOf = async (wire: Wire): Promise<unknown> => {
    const { result, error } = await wire.request('tools/call', call);
    await wire.end();
    const denial = result?._meta?.['dev.countersign/denial'] as { code?: string } | undefined;
    return error?.data?.['code'] ?? denial?.code ?? 'executed';
  };

  it('replaces the policy of the home; several are one, in which a deny wins', async () => {
    expect(await codeOf(await run(rule('other', 'allow', 'other/*')))).toBe('NO_RULE_ALLOWS');
    expect(await codeOf(await run(rule('this', 'allow', 'ruled/*')))).toBe('executed');
    expect(await codeOf(await run(rule('this', 'allow', 'ruled/*'), rule('no', 'deny', '*/perform')))).toBe(
      'RULE_DENIES',
    );
    expect(await codeOf(await run(rule('one', 'allow', 'ruled/*'), rule('one', 'deny', 'x/y')))).toBe(
      'POLICY_INVALID',
    );
    expect(await codeOf(await run('rules: []'))).toBe('POLICY_INVALID');
  });
});
