import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sayCall } from '../support/conversation.ts';
import { testHome, type TestHome } from '../support/home.ts';
import { startOddWire, type OddWire } from '../support/odd-wire.ts';
import { deniedAttacks, forbiddenCall, refusedAttacks, type Attack } from '../support/side-doors.ts';

const allowOne = `version: 1
name: one
rules:
  - { id: the-one, effect: allow, tools: ["odd/say"] }
`;
const schema = '"inputSchema":{"type":"object"}';
const flags = ['--tools', `[{"name":"say",${schema}},{"name":"forbidden",${schema}}]`];

let home: TestHome;
let policy: string;

beforeAll(async () => {
  home = await testHome();
  policy = join(home.work, 'one.yaml');
  writeFileSync(policy, allowOne);
});

afterAll(() => home[Symbol.asyncDispose]());

function start(...options: string[]): OddWire {
  return startOddWire(home, { options: ['--policy', policy, ...options], flags });
}

const ownLine =
  /^\{"jsonrpc":"2.0","id":"(?:sync-\d+","method":"ping"\}$|countersign-[0-9a-f]{32}-\d+","method":"\w+\/list")/;

/** By the server's own record: what reached it, but for the gate's own questions and the pings of `sync`. */
async function reached(wire: OddWire): Promise<string[]> {
  await wire.sync();
  return wire.reached().filter((line) => !ownLine.test(line));
}

async function kindsInLog(): Promise<string[]> {
  const { stdout } = await home.cli('log', 'tail', '-n', '100000', '--json');
  return stdout
    .trim()
    .split('\n')
    .map((line) => (JSON.parse(line) as { kind: string }).kind);
}

describe('with everything open that `--relay` can open, no call reaches the server undecided', () => {
  let wire: OddWire;
  beforeAll(() => {
    wire = start('--relay', '*', '--relay', 'tools/*', '--relay', 'tools/call');
  });
  afterAll(async () => {
    await wire.end();
  });

  async function expectShut({ bytes, code }: Attack): Promise<void> {
    const heard = wire.received().length;
    wire.send(bytes);
    wire.send('\n');
    // Nobody answers a notification.
    if (code !== 'CALL_WITHOUT_ID') await wire.until((text) => text.slice(heard).includes(code));
    expect(await reached(wire)).toEqual([]);
    if (code === 'CALL_WITHOUT_ID') await expect.poll(() => wire.stderr()).toContain(code);
  }

  it.each(refusedAttacks)('not $title', expectShut);
  it.each(deniedAttacks)('not when it is asked for in the open: $title', expectShut);

  it('and the log holds a DENY for each that was decided, and an ALLOW for none', async () => {
    const kinds = await kindsInLog();
    expect(kinds.filter((kind) => kind === 'allow')).toEqual([]);
    expect(kinds.filter((kind) => kind === 'deny')).toHaveLength(deniedAttacks.length + 1);
  });

  it('while the one call that is allowed does', async () => {
    const line = sayCall(2, '{"jsonrpc":"2.0","id":2,"result":{}}\n');
    wire.send(`${line}\n`);
    await wire.answer(2);
    expect(await reached(wire)).toEqual([line]);
  });
});

describe('a call that is allowed lets no other one through', () => {
  /** Allowed, and never answered. */
  const hanging = sayCall(1);

  it('under its id while it is in flight, however that is written', async () => {
    const wire = start();
    wire.send(`${hanging}\n`);
    for (const id of ['1', '1.0', '1e0', '10e-1']) {
      wire.send(`${forbiddenCall.replace('"id":1', `"id":${id}`)}\n`);
    }
    await wire.until((text) => text.split('REQUEST_ID_IN_FLIGHT').length === 5);
    // The refusals are faster than the ALLOW that the hanging call waits for.
    await expect.poll(() => reached(wire)).toEqual([hanging]);
    await wire.end();
  });

  it('in its batch, before or behind it, and neither does a ping', async () => {
    const wire = start();
    const said = sayCall(2, '{"jsonrpc":"2.0","id":2,"result":{}}\n');
    const ping = '{"jsonrpc":"2.0","id":3,"method":"ping"}';
    wire.send(`[${forbiddenCall},${said},${ping},${forbiddenCall.replace('"id":1', '"id":4')}]\n`);
    await wire.answer(2);
    expect((await reached(wire)).sort()).toEqual([ping, said].sort());
    const answers = wire.lines().find((line) => line.startsWith('['));
    expect((JSON.parse(answers ?? '[]') as { id: number }[]).map(({ id }) => id).sort()).toEqual([
      1, 2, 3, 4,
    ]);
    await wire.end();
  });

  it('by an answer to it: the client is asked for input, and answers with a call', async () => {
    const wire = start();
    wire.send(`${sayCall(1, '{"jsonrpc":"2.0","id":"q","method":"elicitation/create"}\n')}\n`);
    await wire.until((text) => text.includes('elicitation'));
    const answer =
      '{"jsonrpc":"2.0","id":"q","result":{},"method":"tools/call","params":{"name":"forbidden"}}';
    const heard = wire.received().length;
    wire.send(`${answer}\n[${answer}]\n`);
    await wire.until((text) => text.slice(heard).split('MESSAGE_AMBIGUOUS').length === 3);
    expect(await reached(wire)).toHaveLength(1);
    await wire.end();
  });

  it('under the id of the gate’s own question, even if the server tells it', async () => {
    const wire = start();
    wire.send(`${hanging}\n`);
    await expect.poll(() => reached(wire)).toEqual([hanging]);
    const own = wire.reached().flatMap((line) => /"id":("countersign-[^"]+")/.exec(line)?.[1] ?? []);
    expect(own.length).toBeGreaterThan(0);
    wire.send(`${forbiddenCall.replace('"id":1', `"id":${own[0] ?? ''}`)}\n`);
    wire.send(`{"jsonrpc":"2.0","id":${own[0] ?? ''},"method":"tools/list"}\n`);
    await wire.until((text) => text.split('REQUEST_ID_IN_FLIGHT').length === 3);
    expect(await reached(wire)).toEqual([hanging]);
    await wire.end();
  });
});

describe('the end of the stream', () => {
  it('does not complete a call that lacks its line feed', async () => {
    const wire = start();
    await wire.sync();
    wire.send(sayCall(1, 'x'));
    await wire.end();
    expect(wire.reached().filter((line) => line.includes('tools/call'))).toEqual([]);
  });
});

describe('without `--relay`', () => {
  it.each([
    'tools/run',
    'tools/call/x',
    'mcp/tools/call',
    'rpc.discover',
    'sampling/createMessage',
    'elicitation/create',
    'roots/list',
    'notifications/tools/call',
  ])('%s is no method that passes, as a request, a notification or in a batch', async (method) => {
    const wire = start();
    const message = `{"jsonrpc":"2.0","method":"${method}","params":{"name":"say"}}`;
    const request = message.replace('"method"', '"id":1,"method"');
    wire.send(`${message}\n${request}\n[${message},${request}]\n`);
    await wire.until((text) => text.split('METHOD_NOT_RELAYED').length === 3);
    expect(await reached(wire)).toEqual([]);
    await wire.end();
  });

  it.each(['', ' ', 'a b', 'é'])('the pattern “%s” is refused, and nothing is started', async (pattern) => {
    const wire = start('--relay', pattern);
    wire.send('{"jsonrpc":"2.0","id":1,"method":"ping"}\n');
    expect((await wire.answer(1)).error?.data).toMatchObject({ code: 'CONFIG_INVALID' });
    expect(await wire.end()).toBe(1);
    expect(wire.reached()).toEqual([]);
  });
});
