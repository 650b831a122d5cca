import { describe, expect, it } from 'vitest';
import { unsplice } from '../../src/call/unsplice.ts';
import {
  conversations,
  denialKey,
  envelopeKey,
  hangCall as hang,
  sayCall as call,
} from '../support/conversation.ts';
import { createFakeGate } from '../support/fake-gate.ts';

const wrap = conversations();

describe('a call', () => {
  it('is dispatched in the very bytes that were decided on, and its result carries the envelope', async () => {
    const client = wrap();
    const text =
      '{ "jsonrpc" : "2.0", "id":1,"method":"tools/call","params":{"name":"say" ,"arguments":{"n":1.50}}}';
    client.send(`${text}\r\n`);
    const { result } = await client.answer(1);
    expect(result?._meta?.[envelopeKey]).toMatchObject({ verdict: {}, outcome: {}, openings: {} });
    const [decided] = client.gate.calls;
    expect(decided).toMatchObject({ tool: 'say', kind: 'tool', era: 'legacy' });
    expect(Buffer.from(decided?.payload ?? []).toString()).toBe(`${text}\r\n`);
    expect(decided?.params.buffer).toBe(decided?.payload.buffer);
    expect(Buffer.from(decided?.params ?? []).toString()).toBe('{"name":"say" ,"arguments":{"n":1.50}}');
    expect(client.reached()).toContain(text);
  });

  it('that is denied never reaches the server', async () => {
    const denial = { code: 'RULE_DENIES', rule: 'r', message: 'No.', retryable: false } as const;
    const client = wrap({ gate: createFakeGate({ decide: () => denial }) });
    client.send(`${call(1, 'x')}\n`);
    const { result } = await client.answer(1);
    expect(result).toMatchObject({ isError: true, _meta: { [denialKey]: { code: 'RULE_DENIES' } } });
    await client.sync();
    expect(client.reached()).not.toContain('tools/call');
  });

  it('keeps the error of the server, with the envelope in its data', async () => {
    const client = wrap();
    client.send(
      `${call(1, '{"jsonrpc":"2.0","id":$ID,"error":{"code":-32602,"message":"bad","data":{"n":1.50}}}\n')}\n`,
    );
    const { error } = await client.answer(1);
    expect(error).toMatchObject({
      code: -32602,
      message: 'bad',
      data: { n: 1.5, [envelopeKey]: { outcome: {} } },
    });
    expect(client.received()).toContain('"n":1.50');
  });

  it.each([
    ['a second result', '{"jsonrpc":"2.0","id":$ID,"result":{"content":[]},"result":{}}\n'],
    ['a second _meta', '{"jsonrpc":"2.0","id":$ID,"result":{"_meta":{},"_meta":{}}}\n'],
    ['a result beside an error', '{"jsonrpc":"2.0","id":$ID,"result":{},"error":{"code":1,"message":""}}\n'],
    ['a result that is no object', '{"jsonrpc":"2.0","id":$ID,"result":[]}\n'],
    ['second error data', '{"jsonrpc":"2.0","id":$ID,"error":{"code":1,"message":"","data":{},"data":{}}}\n'],
  ])('is unknown and not passed on when the answer has %s', async (_, line) => {
    const client = wrap();
    client.send(`${call(1, line)}\n`);
    const { result } = await client.answer(1);
    expect(result?._meta?.[denialKey]).toMatchObject({ code: 'UPSTREAM_INVALID' });
    expect([...client.gate.outcomes.values()]).toMatchObject([
      { outcome: 'unknown', code: 'UPSTREAM_INVALID' },
    ]);
  });

  it('is answered once: what the server repeats or was never asked is dropped', async () => {
    const client = wrap();
    const forged = `{"jsonrpc":"2.0","id":$ID,"result":{"_meta":{"${envelopeKey}":{"forged":true}}}}\n`;
    client.send(`${call(1, '{"jsonrpc":"2.0","id":77,"result":{"unasked":1}}\n', forged, forged)}\n`);
    await client.answer(1);
    await client.sync();
    expect(client.received()).not.toContain('unasked');
    expect(client.received().match(/forged/g)).toHaveLength(1);
    expect(client.received()).toContain(`"upstream.${envelopeKey}":{"forged":true}`);
    expect(client.stderr()).toContain('dropped');
  });

  it('does not take an answer that the server gives before it was asked', async () => {
    const hold = Promise.withResolvers<void>();
    const client = wrap({ gate: createFakeGate({ decide: () => hold.promise }) });
    client.send(`${call(5, '{"jsonrpc":"2.0","id":$ID,"result":{"honest":1}}\n')}\n`);
    client.send(
      '{"jsonrpc":"2.0","method":"notifications/progress","params":{"say":["{\\"jsonrpc\\":\\"2.0\\",\\"id\\":5,\\"result\\":{\\"early\\":1}}\\n"]}}\n',
    );
    await client.sync();
    hold.resolve();
    expect((await client.answer(5)).result).toHaveProperty('honest');
    expect(client.received()).not.toContain('early');
  });

  it('cannot share its id with another request while the server may still answer it', async () => {
    const client = wrap();
    client.send(`${hang(1)}\n${hang(1)}\n{"jsonrpc":"2.0","id":1.0,"method":"ping"}\n`);
    await client.until((text) => text.split('REQUEST_ID_IN_FLIGHT').length === 3);
    await client.sync();
    expect(client.reached().match(/hang/g)).toHaveLength(1);
    client.send('{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}\n');
    await expect.poll(() => client.gate.outcomes.size).toBe(1);
    client.send(`${call(1, 'never')}\n`);
    await client.until((text) => text.split('REQUEST_ID_IN_FLIGHT').length === 4);
  });

  it('gets an answer when the server dies under it', async () => {
    const client = wrap();
    client.send('{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"die","arguments":{}}}\n');
    const { result } = await client.answer(1);
    expect(result?._meta?.[denialKey]).toMatchObject({ code: 'UPSTREAM_GONE' });
    expect([...client.gate.outcomes.values()]).toMatchObject([{ outcome: 'unknown', code: 'UPSTREAM_GONE' }]);
    expect(await client.end).toEqual({ exitCode: 9, signal: null });
    expect(client.gate.isClosed).toBe(true);
  });
});

describe('a cancellation', () => {
  it('of a call that is not sent yet stops it, and neither it nor the call reaches the server', async () => {
    const hold = Promise.withResolvers<void>();
    const client = wrap({ gate: createFakeGate({ decide: () => hold.promise }) });
    client.send(
      `${call(1, 'x')}\n{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}\n`,
    );
    await client.sync();
    hold.resolve();
    await expect.poll(() => client.gate.outcomes.size).toBe(1);
    expect([...client.gate.outcomes.values()]).toMatchObject([
      { outcome: 'aborted', code: 'CALLER_CANCELLED' },
    ]);
    await client.sync();
    expect(client.reached()).not.toMatch(/tools\/call|cancelled/);
    expect(client.lines().filter((line) => line.includes('"id":1,'))).toEqual([]);
  });

  it('of a call that was sent goes on to the server; the client gets no answer, the log an unknown outcome', async () => {
    const client = wrap();
    client.send(`${hang(1)}\n`);
    await client.sync();
    client.send('{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}\n');
    await expect.poll(() => client.gate.outcomes.size).toBe(1);
    expect([...client.gate.outcomes.values()]).toMatchObject([
      { outcome: 'unknown', code: 'CALLER_CANCELLED' },
    ]);
    await client.sync();
    expect(client.reached()).toContain('notifications/cancelled');
    expect(client.lines().filter((line) => line.includes('"id":1,'))).toEqual([]);
  });

  it('whose id two parsers could read differently goes nowhere', async () => {
    const client = wrap();
    client.send(
      '{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1,"requestId":2}}\n',
    );
    await client.sync();
    expect(client.reached()).not.toContain('cancelled');
    expect(client.stderr()).toContain('MESSAGE_AMBIGUOUS');
  });
});

describe('a side door', () => {
  it.each([
    [
      'a call without an id',
      '{"jsonrpc":"2.0","method":"tools/call","params":{"name":"say","arguments":{}}}',
      'CALL_WITHOUT_ID',
    ],
    ['an unknown notification', '{"jsonrpc":"2.0","method":"evil/run","params":{}}', 'METHOD_NOT_RELAYED'],
  ])('is shut: %s', async (_, line, code) => {
    const client = wrap();
    client.send(`${line}\n`);
    await client.sync();
    expect(client.reached()).not.toMatch(/tools\/call|evil/);
    expect(client.stderr()).toContain(code);
    expect(client.lines()).toHaveLength(1);
  });

  it.each([
    ['an unknown method', '{"jsonrpc":"2.0","id":1,"method":"evil/run"}', -32601, 'METHOD_NOT_RELAYED'],
    [
      'a method in another case',
      '{"jsonrpc":"2.0","id":1,"method":"Tools/Call","params":{"name":"say"}}',
      -32601,
      'METHOD_NOT_RELAYED',
    ],
    [
      'a second method',
      '{"jsonrpc":"2.0","id":1,"method":"ping","method":"tools/call"}',
      -32600,
      'MESSAGE_AMBIGUOUS',
    ],
    [
      'a method in two cases',
      '{"jsonrpc":"2.0","id":1,"method":"ping","Method":"tools/call"}',
      -32600,
      'MESSAGE_AMBIGUOUS',
    ],
    [
      'twin arguments',
      '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"say","arguments":{"a":1,"A":2}}}',
      -32602,
      'ARGUMENTS_AMBIGUOUS',
    ],
  ])('is shut, open patterns or not: %s', async (_, line, wire, code) => {
    const client = wrap({ open: ['tools/*', 'ping*'] });
    client.send(`${line}\n`);
    const { error } = await client.answer(1);
    expect(error).toMatchObject({ code: wire, data: { code } });
    await client.sync();
    expect(client.reached()).not.toMatch(/call|evil/i);
  });

  it.each([
    ['a carriage return that hides a call', `{"jsonrpc":"2.0","id":1,"method":"ping"\r,"params":{}}`],
    ['bytes that are not JSON', 'tools/call please'],
    ['a byte order mark', `\ufeff{"jsonrpc":"2.0","id":1,"method":"ping"}`],
  ])('is shut: %s', async (_, line) => {
    const client = wrap({ open: ['*'] });
    client.send(`${line}\n`);
    const { error } = await client.answer(null as never);
    expect(error).toMatchObject({ code: -32700, data: { code: 'FRAME_INVALID' } });
    await client.sync();
    expect(client.reached().trim().split('\n')).toHaveLength(1);
  });

  it('opens for a method that the operator named, byte for byte', async () => {
    const client = wrap({ open: ['evil/*'] });
    const line = '{ "jsonrpc":"2.0","id":1,"method":"evil/run","params":{"n":12345678901234567890, "n":1} }';
    client.send(`${line}\n`);
    await client.answer(1);
    expect(client.reached()).toContain(`${line}\n`);
  });

  it('is shut at the size limit, and what follows the long line is read as usual', async () => {
    const client = wrap({ limits: { maxClientFrameBytes: 2_000 } });
    client.send(`${call(1, 'x'.repeat(3_000))}\n`);
    const { error } = await client.answer(null as never);
    expect(error?.data).toMatchObject({ code: 'TOO_LARGE' });
    await client.sync();
    expect(client.reached()).not.toContain('xxx');
  });
});

describe('a batch', () => {
  it('of nothing but chores passes as it is', async () => {
    const client = wrap();
    const batch =
      '[{"jsonrpc":"2.0","id":1,"method":"ping"} ,{"jsonrpc":"2.0","id":2,"method":"tools/list"}]';
    client.send(`${batch}\n`);
    await client.until((text) => text.includes('batch'));
    expect(client.reached()).toBe(`${batch}\n`);
    expect(client.lines()).toEqual([
      '[{"jsonrpc":"2.0","id":1,"result":{"batch":true}},{"jsonrpc":"2.0","id":2,"result":{"batch":true}}]',
    ]);
  });

  it('with a call in it is governed element by element and answered in one array', async () => {
    const client = wrap();
    const bad = '{"jsonrpc":"2.0","id":3,"method":"evil/run"}';
    const notified = '{"jsonrpc":"2.0","method":"notifications/initialized"}';
    client.send(
      `[{"jsonrpc":"2.0","id":1,"method":"ping"},${call(2, '{"jsonrpc":"2.0","id":$ID,"result":{}}\n')},${bad},${notified}]\n`,
    );
    await client.until((text) => text.endsWith(']\n'));
    const answers = JSON.parse(client.received()) as { id: number }[];
    expect(answers.map(({ id }) => id).sort()).toEqual([1, 2, 3]);
    expect(answers.find(({ id }) => id === 2)).toHaveProperty(['result', '_meta', envelopeKey]);
    expect(client.gate.calls).toHaveLength(1);
    expect(client.reached()).not.toContain('evil');
    expect(client.reached()).not.toContain('[{');
    // Nobody answers a notification: the server may get to it last.
    await expect.poll(() => client.reached()).toContain('initialized');
  });

  it('with two requests of one id lets only one of them pass', async () => {
    const client = wrap();
    client.send(
      '[{"jsonrpc":"2.0","id":1,"method":"ping"},{"jsonrpc":"2.0","id":1,"method":"tools/list"}]\n',
    );
    await client.until((text) => text.endsWith(']\n'));
    expect(client.received()).toContain('REQUEST_ID_IN_FLIGHT');
    expect(client.reached()).not.toContain('tools/list');
  });

  it('of the server that hides the answer to a call in it is taken apart', async () => {
    const client = wrap();
    client.send(
      `${call(1, '[{"jsonrpc":"2.0","method":"notifications/message"},{"jsonrpc":"2.0","id":$ID,"result":{}}]\n')}\n`,
    );
    const { result } = await client.answer(1);
    expect(result?._meta).toHaveProperty([envelopeKey]);
    expect(client.lines()[0]).toBe('{"jsonrpc":"2.0","method":"notifications/message"}');
  });
});

describe('the server', () => {
  it('may ask the client, and gets the answer as it was given', async () => {
    const client = wrap();
    const asked = '{"jsonrpc":"2.0","id":1,"method":"sampling/createMessage","params":{"n":1.0}}';
    client.send(`${call(1, `${asked}\n`, '{"jsonrpc":"2.0","id":$ID,"result":{}}\n')}\n`);
    await client.answer(1);
    expect(client.lines()[0]).toBe(asked);
    const answered = '{"jsonrpc":"2.0","id":1,"result":{"n":12345678901234567890}}';
    client.send(`${answered}\n`);
    await client.sync();
    expect(client.reached()).toContain(`${answered}\n`);
  });

  it('is not heard where it writes no JSON, or hides a second line behind a carriage return', async () => {
    const client = wrap();
    const hidden = `{"jsonrpc":"2.0","method":"notifications/x","params":{"a":1\r}}`;
    client.send(
      `${call(1, 'Listening on stdio\n', `${hidden}\n`, '{"jsonrpc":"2.0","id":$ID,"result":{}}\n')}\n`,
    );
    await client.answer(1);
    expect(client.lines()).toHaveLength(1);
    expect(client.stderr().match(/dropped/g)).toHaveLength(2);
    expect(client.stderr()).not.toContain('Listening');
  });

  it('cannot make a line longer than the limit', async () => {
    const client = wrap({ limits: { maxServerFrameBytes: 10_000 } });
    client.send(
      `${call(1, '{"x":"' + 'y'.repeat(20_000) + '"}\n', '{"jsonrpc":"2.0","id":$ID,"result":{}}\n')}\n`,
    );
    await client.answer(1);
    expect(client.lines()).toHaveLength(1);
  });
});

describe('what passes', () => {
  it('is answered with UPSTREAM_GONE when there is no such command, and ends with 127', async () => {
    const client = wrap({ command: 'countersign-no-such-command' });
    await expect.poll(() => client.stderr()).toContain('ENOENT');
    client.send(`{"jsonrpc":"2.0","id":1,"method":"initialize"}\n${call(2, 'x')}\n`);
    expect((await client.answer(1)).error?.data).toEqual({ code: 'UPSTREAM_GONE' });
    expect((await client.answer(2)).error?.data).toEqual({ code: 'UPSTREAM_GONE' });
    client.leave();
    expect(await client.end).toEqual({ exitCode: 127, signal: null });
  });

  it('comes back from the envelope in the bytes that the server sent', async () => {
    const client = wrap();
    const result = '{ "content":[], "n":1.50, "_meta" : {"a":12345678901234567890} }';
    client.send(`${call(1, `{"jsonrpc":"2.0","id":$ID,"result":${result}}\n`)}\n`);
    await client.answer(1);
    const originals = unsplice(Buffer.from(client.lines()[0] ?? ''))?.originals ?? [];
    expect(originals.map((original) => Buffer.from(original).toString())).toContain(result);
  });
});
