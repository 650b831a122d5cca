import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sayCall } from '../support/conversation.ts';
import { testHome, type TestHome } from '../support/home.ts';
import { oddExchanges, saidDirectly, type OddExchange } from '../support/odd-messages.ts';
import { startOddWire, syncLine, type OddWire } from '../support/odd-wire.ts';
import { expectOnlySpliced } from '../support/spliced.ts';

const allowEverything = `version: 1
name: everything
rules:
  - { id: everything, effect: allow, tools: ["*/*"] }
`;

let home: TestHome;
let policy: string;

beforeAll(async () => {
  home = await testHome();
  policy = join(home.work, 'everything.yaml');
  writeFileSync(policy, allowEverything);
});

afterAll(() => home[Symbol.asyncDispose]());

function start(...options: string[]): OddWire {
  return startOddWire(home, { options: ['--policy', policy, ...options] });
}

/** Methods other than tools/call that make the server work, each with odd bytes in its params and its answer. */
function governedMethods(firstId: number): OddExchange[] {
  const kinds = [
    ['resources/read', '"uri":"odd://one"'],
    ['resources/subscribe', '"uri":"odd:\\u002f/nowhere"'],
    ['prompts/get', '"name":"greet","arguments":{"who":"\\u0041"}'],
    [
      'completion/complete',
      '"ref":{"type":"ref/prompt","name":"greet"},"argument":{"name":"a","value":"1.50"}',
    ],
    ['subscriptions/listen', '"notifications":{"resourceSubscriptions":["odd://one"],"acme/x":1.0}'],
  ] as const;
  return kinds.map(([method, params], at): OddExchange => {
    const id = firstId + at;
    const progress = `{"jsonrpc":"2.0","method":"notifications/progress","params":{"progress":1.${at}0}}\n`;
    const answer = `{"jsonrpc":"2.0","id":$ID ,"result":{"contents":[{"x":1.${at}0,"type":"hologram"}]}}\n`;
    const say = JSON.stringify([progress, answer]);
    const sent = `{"jsonrpc":"2.0","id":${id},"method":"${method}","params":{${params},"say":${say}}}\n`;
    return { id, sent, count: 2, isCall: true };
  });
}

/** What the server says to one exchange, in lines: something aside, then the answer. */
function saidTo({ id }: OddExchange, lines: readonly string[]): readonly string[] {
  return lines.slice(2 * (id - 1), 2 * id);
}

describe('the same hundred odd messages, direct and through the command', () => {
  const exchanges = [...oddExchanges()];
  exchanges.push(...governedMethods(exchanges.length + 1));
  let direct: string[];
  let wrapped: string[];
  let reached: string[];

  beforeAll(async () => {
    direct = (await saidDirectly(exchanges)).split('\n');
    const wire = start();
    for (const { id, sent } of exchanges) {
      wire.send(sent);
      await wire.until((text) => text.split('\n').length > 2 * id);
    }
    reached = wire.reached();
    await wire.end();
    wrapped = wire.received().split('\n');
  });

  it('give the same bytes, but for the envelope that a governed answer gained', () => {
    expect(exchanges.length).toBeGreaterThan(100);
    expect(wrapped).toHaveLength(direct.length);
    for (const exchange of exchanges) {
      const [aside, answer] = saidTo(exchange, wrapped);
      const [asideDirectly, answerDirectly = ''] = saidTo(exchange, direct);
      expect(aside).toBe(asideDirectly);
      if (exchange.isCall) expectOnlySpliced(answer ?? '', answerDirectly);
      else expect(answer).toBe(answerDirectly);
    }
  });

  it('reach the server in the same bytes and order', () => {
    const own = reached.filter((line) => line.includes('"id":"countersign-'));
    expect(own.length).toBeGreaterThan(0);
    const others = reached.filter((line) => !own.includes(line));
    expect(others).toEqual(exchanges.map(({ sent }) => sent.slice(0, -1)));
  });

  it('bring envelopes that verify together, each with its answer opened byte for byte', async () => {
    const file = join(home.work, 'odd.jsonl');
    const answers = exchanges
      .filter(({ isCall }) => isCall)
      .map((each) => saidTo(each, wrapped)[1] ?? '')
      // A response with a member that JSON-RPC does not know is no evidence as a whole; its result by itself is.
      .map((answer) => /^ \{"extra":.*"result" : (\{.*\}),"id":\d+,"jsonrpc"/s.exec(answer)?.[1] ?? answer);
    writeFileSync(file, `${answers.join('\n')}\n`);
    const { code, stdout, stderr } = await home.cli('verify', '--trust', home.trustFile, '--json', file);
    const report = JSON.parse(stdout) as { calls: { ok: boolean; binding: unknown; failures: unknown }[] };
    expect(report.calls.filter(({ ok }) => !ok)).toEqual([]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(report.calls).toHaveLength(answers.length);
    for (const { binding } of report.calls) expect(binding).toMatchObject({ result: 'raw' });
  });
});

describe('what the server asks of the client', () => {
  it('arrives as it was written, and so does the answer, whatever ids both use', async () => {
    const wire = start();
    const asked = [
      '{"jsonrpc":"2.0", "id":1,"method":"sampling/createMessage","params":{"n":12345678901234567890}}',
      '{"jsonrpc":"2.0","id":"sync-1","method":"elicitation/create","params":{"x":1.50,"x":2}}',
      '{"jsonrpc":"2.0","id":-7,"method":"roots/list"}',
      '{"jsonrpc":"2.0","id":"q","method":"acme/anything","params":{"Method":1}}',
    ];
    const answered = [
      '{"jsonrpc":"2.0","id":1,"result":{"n":12345678901234567890,"type":"hologram"}}',
      '{ "jsonrpc":"2.0","id":"sync-1","result":{"action":"accept","content":{"x":1.50}} }',
      '{"jsonrpc":"2.0","id":-7,"error":{"code":-1,"message":"\\u006eo","data":[1.0]}}',
      '{"jsonrpc":"2.0","id":"q","result":{}, "extra":null}',
    ];
    wire.send(`${sayCall(1, ...asked.map((line) => `${line}\n`))}\n`);
    await wire.until((text) => text.split('\n').length > asked.length);
    expect(wire.lines()).toEqual(asked);
    for (const line of answered) wire.send(`${line}\n`);
    await wire.sync();
    expect(wire.reached().slice(-5)).toEqual([...answered, syncLine('sync-1')]);
    await wire.end();
  });
});

describe('both eras, and what neither has', () => {
  const modern =
    '"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}';

  it('a modern call keeps `resultType`, also that of a task, and input that is required', async () => {
    const wire = start();
    const results = [
      '{"resultType":"complete","content":[],"n":1.0}',
      '{"resultType":"input_required","inputRequests":{"a":{"method":"elicitation/create"}},"requestState":"\\u0073"}',
      '{"resultType":"task","taskId":"t-1","status":"working","ttlMs":60000.0}',
      '{"resultType":"acme/new","content":[{"type":"hologram"}],"structuredContent":12345678901234567890}',
    ];
    for (const [id, result] of results.entries()) {
      const said = `{"jsonrpc":"2.0","id":${id},"result":${result}}`;
      const say = JSON.stringify([`${said}\n`]);
      const params = `{"name":"say","arguments":{"say":${say}},"inputResponses":{},"requestState":"s",${modern}}`;
      wire.send(`{"jsonrpc":"2.0","id":${id},"method":"tools/call","params":${params}}\n`);
      await wire.answer(id);
      expectOnlySpliced(wire.lines().at(-1) ?? '', said);
    }
    await wire.end();
  });

  it('a method outside MCP passes byte for byte once the operator opened it, and not before', async () => {
    const line = (id: number, method: string): string =>
      `{ "jsonrpc":"2.0","id":${id},"method":"${method}","params":{"n":12345678901234567890,"n":1.50}}`;
    const wire = start('--relay', 'acme/*');
    wire.send(`${line(1, 'acme/run')}\n${line(2, 'other/run')}\n`);
    expect((await wire.answer(1)).result).toEqual({ content: [{ type: 'text', text: 'plain' }] });
    expect((await wire.answer(2)).error).toMatchObject({
      code: -32601,
      data: { code: 'METHOD_NOT_RELAYED' },
    });
    await wire.sync();
    expect(wire.reached().filter((each) => !each.includes('"id":"countersign-'))).toEqual([
      line(1, 'acme/run'),
      syncLine('sync-1'),
    ]);
    await wire.end();
  });

  it.each([
    ['an id that is escaped', '"\\u0061"', 'x'],
    ['an id with a fraction of nothing', '1.0', 'x'],
    ['an id of minus zero', '-0', 'x'],
    ['the greatest id', '9007199254740991', 'x'],
    ['a message of two megabytes', '1', 'é😀'.repeat(350_000)],
  ])('%s comes back as it was written', async (_, id, text) => {
    const wire = start();
    const said = (as: string): string => `{"jsonrpc":"2.0","id":${as},"result":{"content":[],"t":"${text}"}}`;
    const params = `{"name":"say","arguments":{"say":${JSON.stringify([`${said('$ID')}\n`])}}}`;
    wire.send(`{"jsonrpc":"2.0","id":${id},"method":"tools/call","params":${params}}\n`);
    await wire.until((got) => got.endsWith('\n'));
    expectOnlySpliced(wire.received().trimEnd(), said(id));
    await wire.end();
  });
});
