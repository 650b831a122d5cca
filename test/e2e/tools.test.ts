import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { metaKeys } from '../../src/names.ts';
import { countersign, testHome, type TestHome } from '../support/home.ts';
import { catalogueServer } from '../support/recorded-calls.ts';
import { startWire, type Wire } from '../support/wire.ts';

interface Tool {
  readonly name: string;
  readonly description?: string;
  readonly inputSchema?: object;
  readonly annotations?: object;
}

const look: Tool = {
  name: 'look',
  description: 'Looks at something.',
  inputSchema: { type: 'object', properties: { at: { type: 'string' } } },
  annotations: { readOnlyHint: true },
};
const change: Tool = { name: 'change', description: 'Changes something.', inputSchema: { type: 'object' } };

let home: TestHome;
/** Each test has a server of its own. */
let things = '';
let count = 0;
let catalogue: string;
let open: Wire[] = [];

/** A gate in front of the server `met`, of which no test accepts anything. */
let met: Wire;

beforeAll(async () => {
  home = await testHome();
  turnTo('met');
  list(look, change);
  met = await meet();
  open = [];
});

beforeEach(() => {
  count += 1;
  turnTo(`things-${count}`);
  list(look, change);
});

afterEach(async () => {
  await Promise.all(open.map((wire) => wire.end()));
  open = [];
});

afterAll(async () => {
  await met.end();
  await home[Symbol.asyncDispose]();
});

/** Which server is meant from now on. */
function turnTo(name: string): void {
  things = name;
  catalogue = join(home.work, `${name}.json`);
}

/** What the server lists from now on. */
function list(...tools: (Tool | Record<string, unknown>)[]): void {
  writeFileSync(catalogue, JSON.stringify(tools));
}

/** Wraps the server as a host does: with a handshake, and a look at its tools. No tool is called. */
async function connect({
  policy = [],
  args = [],
}: { policy?: string[]; args?: string[] } = {}): Promise<Wire> {
  const server = [process.execPath, catalogueServer, catalogue, ...args];
  const command = [countersign, 'wrap', '--name', things, ...policy, '--', ...server];
  const wire = startWire(process.execPath, command, home.env);
  open.push(wire);
  await wire.request('initialize', { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: {} });
  wire.send('{"jsonrpc":"2.0","method":"notifications/initialized"}\n');
  await wire.request('tools/list');
  return wire;
}

/** The same, and waits until the gate has met the server by itself. */
async function meet(options: { policy?: string[] } = {}): Promise<Wire> {
  const wire = await connect(options);
  await vi.waitFor(async () => expect(await states()).toMatchObject({ look: 'listed' }), {
    interval: 50,
    timeout: 30_000,
  });
  return wire;
}

/** `executed`, or the reason code of the denial. */
async function call(wire: Wire, tool: string): Promise<unknown> {
  const { result, error } = await wire.request('tools/call', { name: tool, arguments: {} });
  const denial = result?._meta?.[metaKeys.denial] as { code?: string } | undefined;
  return error?.data?.['code'] ?? denial?.code ?? (result?.isError ? 'isError' : 'executed');
}

interface ListedServer {
  readonly digest: string;
  readonly pinned: string | null;
  readonly command: { readonly command: string; readonly args: readonly string[] };
  readonly tools: readonly { readonly name: string; readonly state: string; readonly definition: Tool }[];
}

async function listed(): Promise<ListedServer | undefined> {
  const { stdout, stderr } = await home.here('tools', 'list', things, '--json');
  if (stdout === '' && !stderr.includes('NOT_FOUND')) throw new Error(stderr);
  return (JSON.parse(stdout || '[]') as ListedServer[])[0];
}

async function states(): Promise<Record<string, string>> {
  return Object.fromEntries((await listed())?.tools.map(({ name, state }) => [name, state]) ?? []);
}

async function accept(...args: string[]): Promise<void> {
  const { code, stderr } = await home.here('tools', 'accept', things, ...args);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
}

describe('before a server was wrapped', () => {
  it('there is nothing to list, and nothing to accept', async () => {
    await using home = await testHome();
    const all = await home.cli('tools', 'list');
    expect(all).toMatchObject({ code: 0, stderr: '' });
    expect(all.stdout).toContain('countersign wrap');
    expect((await home.here('tools', 'list', '--json')).stdout.trim()).toBe('[]');
    for (const verb of ['list', 'accept']) {
      const { code, stdout, stderr } = await home.here('tools', verb, things);
      expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
      expect(stderr).toMatch(/^countersign: NOT_FOUND: .*countersign wrap --name things-/);
    }
  });
});

describe('a server that was met, and not called yet', () => {
  beforeEach(() => turnTo('met'));

  it('is listed with its command and its tools’ definitions, and none of them is accepted', async () => {
    expect(await states()).toEqual({ look: 'listed', change: 'listed' });
    const server = await listed();
    expect(server?.tools.map(({ definition }) => definition)).toEqual(expect.arrayContaining([look, change]));
    expect(server?.command.args).toEqual([catalogueServer, catalogue]);
    expect(server?.pinned).toBe(server?.digest);
    const { stdout } = await home.here('tools', 'list');
    for (const text of [things, 'look', 'Looks at something.', '"at":{"type":"string"}', 'listed']) {
      expect(stdout).toContain(text);
    }
  });

  it('allows no tool, whatever it says of itself', async () => {
    expect([await call(met, 'look'), await call(met, 'change')]).toEqual([
      'NO_RULE_ALLOWS',
      'NO_RULE_ALLOWS',
    ]);
    expect(await call(met, 'nothing')).toBe('TOOL_UNKNOWN');
  });
});

describe('tools accept', () => {
  it('shows what it accepts, and counts in a running gate at once', async () => {
    const wire = await meet();
    const { code, stdout } = await home.cli('tools', 'accept', things, 'look');
    expect(code).toBe(0);
    for (const text of ['look', 'Looks at something.', '"at":{"type":"string"}', 'Accepted 1 of 2: look']) {
      expect(stdout).toContain(text);
    }
    expect(stdout).not.toContain('Changes something.');
    expect(await call(wire, 'look')).toBe('executed');
    expect(await call(wire, 'change')).toBe('NO_RULE_ALLOWS');
    await accept('change');
    expect(await call(wire, 'change')).toBe('executed');
    expect(await states()).toEqual({ look: 'accepted', change: 'accepted' });
  });

  it('--read-only takes what says so in so many words, and nothing that says something like it', async () => {
    const hint = (readOnlyHint: unknown) => ({ annotations: { readOnlyHint } });
    list(
      look,
      change,
      { name: 'text', ...hint('true') },
      { name: 'one', ...hint(1) },
      { name: 'false', ...hint(false) },
    );
    await meet();
    const { stdout } = await home.here('tools', 'accept', things, '--read-only', '--json');
    expect(JSON.parse(stdout)).toMatchObject({ server: things, accepted: ['look'] });
  });

  it('without names takes all, and is a signed entry of the log', async () => {
    await meet();
    await accept();
    expect(await states()).toEqual({ look: 'accepted', change: 'accepted' });
    const { stdout } = await home.here('log', 'tail', '-n', '1', '--json');
    expect(JSON.parse(stdout)).toMatchObject({
      kind: 'change',
      statement: { predicate: { change: { kind: 'tools-accepted', server: { name: things } } } },
    });
  });

  it('accepts nothing when one of its names is not listed', async () => {
    turnTo('met');
    for (const args of [['look', 'nothing'], ['Look'], ['__proto__'], ['']]) {
      const { code, stdout, stderr } = await home.here('tools', 'accept', things, ...args);
      expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
      expect(stderr).toMatch(/^countersign: NOT_FOUND: /);
    }
    expect((await home.here('tools', 'accept', things.toUpperCase())).code).toBe(1);
    expect(await states()).toEqual({ look: 'listed', change: 'listed' });
  });

  it('writes what a server says of itself without the characters that could rewrite a terminal', async () => {
    list({
      name: 'a\u001b[2Kb',
      description: 'x\u001b]0;t\u0007\r\n\u202ey\u009b1A',
      inputSchema: { d: '\u001b[31m' },
    });
    await connect();
    await expect.poll(async () => (await listed())?.tools.length).toBe(1);
    for (const verb of ['list', 'accept']) {
      const { stdout } = await home.here('tools', verb, things);
      expect(stdout.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}]/u);
      expect(stdout).toContain('a\\u{1b}[2Kb');
    }
  });
});

describe('a definition that changes', () => {
  const changed = { ...look, description: 'Looks, and tells others.' };

  it('denies with TOOL_CHANGED until it is accepted anew, and so does the old one from then on', async () => {
    const wire = await meet();
    await accept();
    expect(await call(wire, 'look')).toBe('executed');

    list(changed, change);
    await wire.request('tools/list');
    expect(await call(wire, 'look')).toBe('TOOL_CHANGED');
    expect(await call(wire, 'change')).toBe('executed');
    expect(await states()).toEqual({ look: 'changed', change: 'accepted' });
    const shown = await home.here('tools', 'list', things);
    expect(shown.stdout).toContain('Looks, and tells others.');

    await accept('look');
    expect(await call(wire, 'look')).toBe('executed');
    list(look, change);
    await wire.request('tools/list');
    expect(await call(wire, 'look')).toBe('TOOL_CHANGED');
  });

  it('is noticed at the next start too, also in a single byte', async () => {
    await meet();
    await accept();
    writeFileSync(
      catalogue,
      readFileSync(catalogue, 'utf8').replace('Looks at something.', 'Looks at somethin\\u0067.'),
    );
    // The server reads and prints its file anew: what it says is the same, and so is the definition.
    expect(await call(await connect(), 'look')).toBe('executed');
    list({ ...look, description: 'Looks at something!' }, change);
    expect(await call(await connect(), 'look')).toBe('TOOL_CHANGED');
  });

  it('leaves a tool that is listed for the first time unaccepted, and one that is gone unknown', async () => {
    const wire = await meet();
    await accept();
    list(change, { name: 'later', annotations: { readOnlyHint: true } });
    await wire.request('tools/list');
    expect(await call(wire, 'later')).toBe('NO_RULE_ALLOWS');
    expect(await call(wire, 'look')).toBe('TOOL_UNKNOWN');
    expect(await call(wire, 'change')).toBe('executed');
  });
});

describe('another command under the same name', () => {
  it('denies with SERVER_CHANGED until tools of it are accepted, and inherits nothing', async () => {
    await meet();
    await accept();
    const before = await listed();

    const other = await connect({ args: ['--other'] });
    expect([await call(other, 'look'), await call(other, 'change')]).toEqual([
      'SERVER_CHANGED',
      'SERVER_CHANGED',
    ]);
    expect((await other.request('resources/read', { uri: 'x:y' })).error?.data).toHaveProperty(
      [metaKeys.denial, 'code'],
      'SERVER_CHANGED',
    );
    const now = await listed();
    expect(now).toMatchObject({
      pinned: before?.digest,
      command: { args: expect.arrayContaining(['--other']) as unknown },
    });
    expect(now?.digest).not.toBe(before?.digest);
    expect(await states()).toEqual({ look: 'new', change: 'new' });
    expect((await home.here('tools', 'list', things)).stdout).toContain('belongs to another command');

    await accept('look');
    expect(await call(other, 'look')).toBe('executed');
    expect(await call(other, 'change')).toBe('NO_RULE_ALLOWS');
    expect(await call(await connect(), 'look')).toBe('SERVER_CHANGED');
  });
});

describe('a tool that is called like a method', () => {
  const methods = [
    'resources:read',
    'resources:subscribe',
    'prompts:get',
    'completion:complete',
    'subscriptions:listen',
  ];
  let wire: Wire;
  beforeAll(async () => {
    turnTo('methods');
    list(look, ...methods.map((name) => ({ name, annotations: { readOnlyHint: true } })));
    const policy = join(home.work, 'methods.yaml');
    const rule = (id: string, tools: string): string =>
      `  - { id: ${id}, effect: allow, tools: ['${tools}'] }\n`;
    const rules = [rule('resources', '*/resources:*'), rule('prompts', '*/prompts:*'), rule('all', '*/*')];
    writeFileSync(policy, `version: 1\nname: methods\nrules:\n${rules.join('')}`);
    wire = await meet({ policy: ['--policy', policy] });
    open = [];
  });
  afterAll(() => wire.end());
  beforeEach(() => turnTo('methods'));

  it.each(methods)('%s gets none of the method’s rules, accepted or not', async (name) => {
    expect(await call(wire, 'look')).toBe('executed');
    expect(await call(wire, name)).toBe('TOOL_UNKNOWN');
    await accept(name);
    expect(await call(wire, name)).toBe('TOOL_UNKNOWN');
  });
});
