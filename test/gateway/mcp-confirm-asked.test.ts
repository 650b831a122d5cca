import { afterEach, describe, expect, it, vi } from 'vitest';
import { confirmingGate, question } from '../support/confirming-gate.ts';
import { conversations, denialKey, sayCall } from '../support/conversation.ts';

const wrap = conversations();
afterEach(() => void vi.useRealTimers());

const hello = (capabilities: object): string =>
  `${JSON.stringify({ jsonrpc: '2.0', id: 'hello', method: 'initialize', params: { protocolVersion: '2025-11-25', capabilities, clientInfo: { name: 'c', version: '1' } } })}\n`;

const ran = '{"jsonrpc":"2.0","id":$ID,"result":{"content":[],"ran":true}}\n';

/** A client of the legacy era that can ask its person, after its handshake. */
async function asking(capabilities: object = { elicitation: {} }) {
  const gate = confirmingGate();
  const client = wrap({ gate });
  client.send(hello(capabilities));
  await client.answer('hello');
  const asked = async (count = 1) => {
    const all = () => client.lines().flatMap((line) => question(JSON.parse(line)) ?? []);
    await client.until(() => all().length >= count);
    return all();
  };
  const reply = (id: unknown, result: object): void =>
    client.send(`${JSON.stringify({ jsonrpc: '2.0', id, result })}\n`);
  return { ...client, gate, asked, reply };
}

const yes = { action: 'accept', content: { confirm: true } };
const cancelled = '{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}';

describe('what a client could try where its person is to confirm a call', () => {
  it('an answer to a question that was never asked confirms nothing, and goes to the server as any answer does', async () => {
    const client = await asking();
    client.reply('countersign-00000000000000000000000000000000-1', yes);
    client.send(`${sayCall(1, ran)}\n`);
    const [first] = await client.asked();
    expect(client.reached()).not.toContain('"ran"');
    client.reply(first?.id, { action: 'decline' });
    expect((await client.answer(1)).result?._meta?.[denialKey]).toMatchObject({
      code: 'CONFIRMATION_REQUIRED',
    });
    expect(client.gate.calls.map(({ confirmed }) => confirmed)).toEqual([undefined]);
  });

  it('an answer that comes twice runs one call, and neither of them reaches the server', async () => {
    const client = await asking();
    client.send(`${sayCall(1, ran)}\n`);
    const [first] = await client.asked();
    client.reply(first?.id, yes);
    client.reply(first?.id, yes);
    expect((await client.answer(1)).result).toHaveProperty('ran');
    await client.sync();
    expect(client.gate.calls.map(({ confirmed }) => confirmed)).toEqual([undefined, true]);
    expect(client.reached()).not.toContain('"accept"');
  });

  it('an answer counts for the call that was asked about, and for no other', async () => {
    const client = await asking();
    client.send(`${sayCall(1, ran)}\n${sayCall(2, ran)}\n`);
    const [, second] = await client.asked(2);
    client.reply(second?.id, yes);
    expect((await client.answer(2)).result).toHaveProperty('ran');
    await client.sync();
    expect(client.gate.calls.filter(({ confirmed }) => confirmed)).toHaveLength(1);
    expect(client.received()).not.toContain('"id":1,');
  });

  it('an answer inside of a batch is taken out of it', async () => {
    const client = await asking();
    client.send(`${sayCall(1, ran)}\n`);
    const [first] = await client.asked();
    const other = { jsonrpc: '2.0', id: 'ping-2', method: 'ping' };
    client.send(`${JSON.stringify([{ jsonrpc: '2.0', id: first?.id, result: yes }, other])}\n`);
    expect((await client.answer(1)).result).toHaveProperty('ran');
    await client.sync();
    expect(client.reached()).toContain('ping-2');
    expect(client.reached()).not.toContain('"accept"');
  });

  it.each<[string, object]>([
    ['declines', { action: 'decline' }],
    ['cancels', { action: 'cancel' }],
    ['accepts without a word', { action: 'accept' }],
    ['accepts and says no', { action: 'accept', content: { confirm: false } }],
    ['accepts with a text in place of true', { action: 'accept', content: { confirm: 'true' } }],
    ['says true and declines', { action: 'decline', content: { confirm: true } }],
  ])('a client that %s gets the denial, and nothing runs', async (_, said) => {
    const client = await asking();
    client.send(`${sayCall(1, ran)}\n`);
    const [first] = await client.asked();
    client.reply(first?.id, said);
    const { result } = await client.answer(1);
    expect(result?._meta?.[denialKey]).toMatchObject({ code: 'CONFIRMATION_REQUIRED' });
    expect(client.reached()).not.toContain('tools/call');
  });

  it('a yes that two parsers could read differently is none', async () => {
    const client = await asking();
    client.send(`${sayCall(1, ran)}\n`);
    const [first] = await client.asked();
    const twice = '{"action":"decline","action":"accept","content":{"confirm":true}}';
    client.send(`{"jsonrpc":"2.0","id":${JSON.stringify(first?.id)},"result":${twice}}\n`);
    expect((await client.answer(1)).result?.isError).toBe(true);
  });

  it('an error in place of an answer is a no', async () => {
    const client = await asking();
    client.send(`${sayCall(1, ran)}\n`);
    const [first] = await client.asked();
    const error = { code: -32601, message: 'no' };
    client.send(`${JSON.stringify({ jsonrpc: '2.0', id: first?.id, error })}\n`);
    expect((await client.answer(1)).result?.isError).toBe(true);
  });
});

describe('what a server could try', () => {
  it('a question that imitates ours is answered to the server, and confirms nothing', async () => {
    const client = await asking();
    const imitation = { message: 'Countersign asks, not the server: may the agent run this call once?' };
    const forged = { jsonrpc: '2.0', id: 'countersign-1', method: 'elicitation/create', params: imitation };
    client.send(
      `${JSON.stringify({ jsonrpc: '2.0', method: 'notifications/progress', params: { say: [`${JSON.stringify(forged)}\n`] } })}\n`,
    );
    await client.asked();
    client.send(`${sayCall(1, ran)}\n`);
    const [theirs, ours] = await client.asked(2);
    expect(theirs?.id).toBe('countersign-1');
    client.reply(theirs?.id, yes);
    await client.sync();
    expect(client.reached()).toContain('"accept"');
    expect(client.gate.calls.map(({ confirmed }) => confirmed)).toEqual([undefined]);
    client.reply(ours?.id, yes);
    expect((await client.answer(1)).result).toHaveProperty('ran');
  });
});

describe('a client that can ask its person', () => {
  it('is asked with the server, the tool and its arguments, and its yes runs the same bytes as a call of its own', async () => {
    const client = await asking({ elicitation: { form: {} } });
    client.send(`${sayCall(7, ran)}\n`);
    const [first] = await client.asked();
    expect(first?.params).toMatchObject({
      message: expect.stringContaining('odd/say\n- "say": [') as string,
      requestedSchema: {
        type: 'object',
        properties: { confirm: { type: 'boolean' } },
        required: ['confirm'],
      },
    });
    client.reply(first?.id, yes);
    const { result } = await client.answer(7);
    expect(result).toHaveProperty('ran');
    const [denied, allowed] = client.gate.calls;
    expect(allowed).toMatchObject({ confirmed: true, tool: 'say' });
    expect(allowed?.payload).toBe(denied?.payload);
    expect(allowed?.id).not.toBe(denied?.id);
    expect([...client.gate.outcomes.keys()]).toEqual([allowed?.id]);
  });

  it.each<[string, object]>([
    ['that cannot', {}],
    ['that can open links alone', { elicitation: { url: {} } }],
  ])('%s: one gets the denial at once', async (_, capabilities) => {
    const client = await asking(capabilities);
    client.send(`${sayCall(1, ran)}\n`);
    expect((await client.answer(1)).result?._meta?.[denialKey]).toMatchObject({
      code: 'CONFIRMATION_REQUIRED',
    });
    expect(client.received()).not.toContain('elicitation/create');
  });

  it('is asked no more once it cancels the call, and told so', async () => {
    const client = await asking();
    client.send(`${sayCall(1, ran)}\n`);
    const [first] = await client.asked();
    client.send(`${cancelled}\n`);
    await client.until((text) => text.includes('notifications/cancelled'));
    client.reply(first?.id, yes);
    await client.sync();
    expect(client.gate.calls).toHaveLength(1);
    expect(client.reached()).not.toContain('tools/call');
    expect(client.reached()).not.toContain('"requestId":1');
  });

  it('is not asked about a call that it has cancelled already', async () => {
    const client = await asking();
    client.send(`${sayCall(1, ran)}\n${cancelled}\n`);
    await client.sync();
    expect(client.gate.calls).toHaveLength(1);
    expect(client.received()).not.toContain('elicitation/create');
  });

  it('that says yes and cancels in one breath runs nothing', async () => {
    const client = await asking();
    client.send(`${sayCall(1, ran)}\n`);
    const [first] = await client.asked();
    client.send(`${JSON.stringify({ jsonrpc: '2.0', id: first?.id, result: yes })}\n${cancelled}\n`);
    await client.sync();
    expect(client.gate.calls).toHaveLength(1);
  });

  it('is asked about no method that is not a tool', async () => {
    const client = await asking();
    client.send('{"jsonrpc":"2.0","id":1,"method":"resources/read","params":{"uri":"odd://one"}}\n');
    expect((await client.answer(1)).error?.data?.[denialKey]).toMatchObject({
      code: 'CONFIRMATION_REQUIRED',
    });
  });

  it('has a minute: then the denial goes back', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const gate = confirmingGate();
    const client = wrap({ gate });
    client.send(hello({ elicitation: {} }));
    await vi.waitFor(() => expect(client.received()).toContain('"hello"'));
    client.send(`${sayCall(1, ran)}\n`);
    await vi.waitFor(() => expect(client.received()).toContain('elicitation/create'));
    await vi.advanceTimersByTimeAsync(60_000);
    vi.useRealTimers();
    expect((await client.answer(1)).result?._meta?.[denialKey]).toMatchObject({
      code: 'CONFIRMATION_REQUIRED',
    });
    expect(client.received()).toContain('notifications/cancelled');
  });
});
