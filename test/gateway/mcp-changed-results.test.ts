import { describe, expect, it } from 'vitest';
import type { Json } from '../../src/call/json.ts';
import {
  conversations,
  denialKey,
  envelopeKey,
  sayCall,
  type Conversation,
} from '../support/conversation.ts';
import { atMost100, createBoundingGate, withoutDigits } from './bounding-gate.ts';

const wrap = conversations();

const answer = (member: string): string => `{"jsonrpc":"2.0","id":$ID,${member}}\n`;

async function said(client: Conversation, ...say: readonly string[]) {
  client.send(`${sayCall(1, ...say)}\n`);
  return client.answer(1);
}

describe('the result of a call', () => {
  it('reaches the client as the rules left it, with the envelope in it, and every byte around as it was', async () => {
    const client = wrap({ gate: createBoundingGate([withoutDigits]) });
    await said(
      client,
      answer('"result": {"content":[{"type":"text","text":"pin 1234"}],"secret":{"a":1}} ,"x":1.50'),
    );
    expect(client.received()).not.toContain('1234');
    expect(client.received()).toMatch(
      /^\{"jsonrpc":"2\.0","id":1,"result": \{"_meta":\{.*\},"content":\[\{"type":"text","text":"pin \*\*\*\*"\}\],"secret":"\*\*\*\*"\} ,"x":1\.50\}\n$/,
    );
    expect(client.received()).toContain(envelopeKey);
  });

  it('passes byte for byte where the rules took nothing out', async () => {
    const client = wrap({ gate: createBoundingGate([withoutDigits, atMost100]) });
    await said(client, answer('"result" :{"n": 1.50,"n2":1e2 }'));
    expect(client.received().replace(/"_meta":\{.*\},"n"/, '"n"')).toBe(
      '{"jsonrpc":"2.0","id":1,"result" :{"n": 1.50,"n2":1e2 }}\n',
    );
  });

  it('that is an error is bounded like one that is none', async () => {
    const client = wrap({ gate: createBoundingGate([withoutDigits]) });
    const { error } = await said(
      client,
      answer('"error":{"code":-32603,"message":"no 1234","data":{"secret":1}}'),
    );
    expect(error).toMatchObject({ code: -32603, message: 'no ****', data: { secret: '****' } });
    expect(error?.data).toHaveProperty([envelopeKey]);
  });

  it('in a batch of the server is bounded as well', async () => {
    const client = wrap({ gate: createBoundingGate([withoutDigits]) });
    const { result } = await said(
      client,
      `[{"jsonrpc":"2.0","method":"notifications/x"},${answer('"result":{"t":"1234"}').trim()}]\n`,
    );
    expect(result).toMatchObject({ t: '****' });
    expect(client.received()).not.toContain('1234');
  });

  it('that is too large is the failure of a tool that must not be asked again', async () => {
    const client = wrap({ gate: createBoundingGate([atMost100]) });
    const { result } = await said(client, answer(`"result":{"text":"${'a'.repeat(200)}"}`));
    expect(result).toMatchObject({ isError: true });
    expect(result?._meta?.[denialKey]).toMatchObject({ code: 'RESULT_TOO_LARGE', retryable: false });
    expect(result?._meta?.[envelopeKey]).toHaveProperty('outcome');
    expect(client.received()).not.toContain('aaaa');
  });

  it('of which no room for an envelope is left is not told at all', async () => {
    const gate = createBoundingGate([
      { ...withoutDigits, type: 'redact', of: 'result', fields: ['/_meta'], with: '-' },
    ]);
    const { result } = await said(wrap({ gate }), answer('"result":{"_meta":{"a":1},"content":[]}'));
    expect(result?._meta?.[denialKey]).toMatchObject({ code: 'INTERNAL', retryable: false });
  });
});

describe('the arguments of a call', () => {
  const dry = (args: object): Record<string, Json> => ({ ...args, dry: true });

  it('reach the server as policy changed them, and nothing else of the frame changes', async () => {
    const client = wrap({ gate: createBoundingGate([], dry) });
    client.send(
      '{"jsonrpc":"2.0","id":1, "method":"tools/call","params":{"_meta":{"a":1.0}, "name":"t","arguments":{"b":2}}}\n',
    );
    await client.answer(1);
    expect(client.reached()).toContain(
      '{"jsonrpc":"2.0","id":1, "method":"tools/call","params":{"_meta":{"a":1.0}, "name":"t","arguments":{"b":2,"dry":true}}}',
    );
  });

  it('cannot be changed of what is no tool', async () => {
    const gate = createBoundingGate([], dry);
    const client = wrap({ gate });
    client.send('{"jsonrpc":"2.0","id":1,"method":"prompts/get","params":{"name":"greet"}}\n');
    await client.answer(1);
    expect(gate.calls[0]).not.toHaveProperty('withArguments');
  });
});

describe('the result of a task', () => {
  const begun = answer('"result":{"resultType":"task","taskId":"t1","status":"working"}');
  const completed = (result: string): string => `"taskId":"t1","status":"completed","result":${result}`;

  async function begin(obligations: Parameters<typeof createBoundingGate>[0]): Promise<Conversation> {
    const client = wrap({ gate: createBoundingGate(obligations) });
    await said(client, begun);
    return client;
  }
  const ask = (client: Conversation, id: number, method: string, ...say: readonly string[]) => {
    client.send(`${JSON.stringify({ jsonrpc: '2.0', id, method, params: { taskId: 't1', say } })}\n`);
    return client.answer(id);
  };
  const notified = (result: string): string =>
    `{"jsonrpc":"2.0","method":"notifications/tasks","params":{${completed(result)}}}\n`;

  it.each(['tasks/get', 'tasks/cancel', 'tasks/update'])(
    'reaches the client as the rules left it, by %s',
    async (method) => {
      const client = await begin([withoutDigits]);
      const { result } = await ask(client, 2, method, answer(`"result":{${completed('{"text":"1234"}')}}`));
      expect(result).toMatchObject({ status: 'completed', result: { text: '****' } });
      expect(result?.['result']).toHaveProperty(['_meta', envelopeKey, 'outcome']);
    },
  );

  it('is the same when it is fetched again, under the id that asks', async () => {
    const client = await begin([withoutDigits]);
    const say = answer('"result":{"text":"1234"}');
    const first = await ask(client, 2, 'tasks/result', say);
    const second = await ask(client, 3, 'tasks/result', say);
    expect(first.result).toMatchObject({ text: '****' });
    expect(second.result).toEqual(first.result);
  });

  it('is refused where it is another one than before: nobody has bounded that', async () => {
    const client = await begin([withoutDigits]);
    await ask(client, 2, 'tasks/result', answer('"result":{"text":"1234"}'));
    const { error } = await ask(client, 3, 'tasks/result', answer('"result":{"text":"5678"}'));
    expect(error?.data).toEqual({ code: 'UPSTREAM_INVALID' });
    expect(client.received()).not.toContain('5678');
  });

  it.each(['tasks/result', 'tasks/get'])(
    'that is too large reads as the failure of a tool, by %s',
    async (method) => {
      const client = await begin([atMost100]);
      const large = `{"text":"${'a'.repeat(200)}"}`;
      const whole = method === 'tasks/result' ? large : `{${completed(large)}}`;
      const { result } = await ask(client, 2, method, answer(`"result":${whole}`));
      const told = method === 'tasks/result' ? result : result?.['result'];
      expect(told).toMatchObject({ isError: true, _meta: { [denialKey]: { code: 'RESULT_TOO_LARGE' } } });
      expect(told).toHaveProperty(['_meta', envelopeKey, 'outcome']);
      expect(client.received()).not.toContain('aaaa');
    },
  );

  it('is no way around in a state whose result is a text', async () => {
    const client = await begin([withoutDigits]);
    const { error } = await ask(client, 2, 'tasks/get', answer(`"result":{${completed('"1234"')}}`));
    expect(error?.data).toEqual({ code: 'UPSTREAM_INVALID' });
    expect(client.received()).not.toContain('1234');
  });

  it.each([
    ['by itself', (text: string) => text],
    ['in a batch', (text: string) => `[${text.trim()}]\n`],
  ])('that a notification brings is bounded, and has its envelope, %s', async (_, sent) => {
    const client = await begin([withoutDigits]);
    await ask(client, 2, 'ping', sent(notified('{"text":"1234"}')), answer('"result":{}'));
    await client.until((received) => received.includes('notifications/tasks'));
    expect(client.received()).toContain('"text":"****"');
    expect(client.received()).not.toContain('1234');
    expect(client.lines().find((line) => line.includes('notifications/tasks'))).toContain('"outcome":');
  });

  it('that a notification brings of a task that nobody began is dropped', async () => {
    const client = wrap({ gate: createBoundingGate([]) });
    await ask(client, 2, 'ping', notified('{"text":"1234"}'), answer('"result":{}'));
    await client.sync();
    expect(client.received()).not.toContain('1234');
  });

  it('can be fetched after a notification told it', async () => {
    const client = await begin([withoutDigits]);
    await ask(client, 2, 'ping', notified('{"text":"1234"}'), answer('"result":{}'));
    const { result } = await ask(
      client,
      3,
      'tasks/get',
      answer(`"result":{${completed('{"text":"1234"}')}}`),
    );
    expect(result).toMatchObject({ result: { text: '****' } });
  });
});
