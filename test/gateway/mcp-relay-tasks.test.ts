import { describe, expect, it } from 'vitest';
import type { Conversation } from '../support/conversation.ts';
import { conversations, envelopeKey } from '../support/conversation.ts';

const wrap = conversations();

const created = '{"jsonrpc":"2.0","id":$ID,"result":{"task":{"taskId":"t1","status":"working"}}}\n';
const modernlyCreated =
  '{"jsonrpc":"2.0","id":$ID,"result":{"resultType":"task","taskId":"t1","status":"working"}}\n';

function request(id: number, method: string, params: object): string {
  return `${JSON.stringify({ jsonrpc: '2.0', id, method, params })}\n`;
}

async function begin(client: Conversation, say = created): Promise<void> {
  client.send(request(1, 'tools/call', { name: 'say', arguments: { say: [say] }, task: { ttl: 1 } }));
  const { result } = await client.answer(1);
  expect(result?._meta?.[envelopeKey]).toHaveProperty('verdict');
  expect(result?._meta?.[envelopeKey]).not.toHaveProperty('outcome');
  expect(client.gate.outcomes.size).toBe(0);
}

const outcomes = (client: Conversation) => [...client.gate.outcomes.values()];

describe('a call that goes on as a task', () => {
  it('is settled by the result of the task, which carries verdict and outcome', async () => {
    const client = wrap();
    await begin(client);
    const say = ['{"jsonrpc":"2.0","id":$ID,"result":{"content":[],"n":1.50}}\n'];
    client.send(request(2, 'tasks/result', { taskId: 't1', say }));
    const { result } = await client.answer(2);
    expect(result?._meta?.[envelopeKey]).toMatchObject({ verdict: {}, outcome: {}, openings: {} });
    const [outcome] = outcomes(client);
    expect(outcome).toMatchObject({ kind: 'result', pending: false });
    const raw = outcome?.kind === 'result' ? Buffer.from(outcome.result).toString() : '';
    expect(raw).toBe('{"content":[],"n":1.50}');
  });

  it('has the same envelope when the same result is fetched again, and no other result', async () => {
    const client = wrap();
    await begin(client);
    client.send(
      request(2, 'tasks/result', { taskId: 't1', say: ['{"jsonrpc":"2.0","id":$ID,"result":{"a":1}}\n'] }),
    );
    client.send(
      request(3, 'tasks/result', { taskId: 't1', say: ['{"jsonrpc":"2.0","id":$ID,"result":{"a":1}}\n'] }),
    );
    client.send(
      request(4, 'tasks/result', { taskId: 't1', say: ['{"jsonrpc":"2.0","id":$ID,"result":{"a":2}}\n'] }),
    );
    const [first, second, third] = await Promise.all([client.answer(2), client.answer(3), client.answer(4)]);
    expect(second.result?._meta).toEqual(first.result?._meta);
    expect(second.id).toBe(3);
    expect(third.error?.data).toEqual({ code: 'UPSTREAM_INVALID' });
    expect(outcomes(client)).toHaveLength(1);
  });

  it('is settled by the state that holds the result, in the modern era', async () => {
    const client = wrap();
    await begin(client, modernlyCreated);
    const state =
      '{"jsonrpc":"2.0","id":$ID,"result":{"resultType":"complete","taskId":"t1","status":"completed","result":{"content":[]}}}\n';
    client.send(request(2, 'tasks/get', { taskId: 't1', say: [state] }));
    const { result } = await client.answer(2);
    const inner = result?.['result'] as { _meta: Record<string, unknown> };
    expect(inner._meta[envelopeKey]).toMatchObject({ verdict: {}, outcome: {} });
    expect(outcomes(client)).toMatchObject([{ kind: 'result' }]);
  });

  it('is aborted when the server reports that it was cancelled', async () => {
    const client = wrap();
    await begin(client);
    const status =
      '{"jsonrpc":"2.0","method":"notifications/tasks/status","params":{"taskId":"t1","status":"cancelled"}}\n';
    client.send(request(2, 'ping', { say: [status, '{"jsonrpc":"2.0","id":$ID,"result":{}}\n'] }));
    await client.answer(2);
    expect(client.lines()).toContain(status.trim());
    await expect.poll(() => outcomes(client)).toMatchObject([{ kind: 'none', outcome: 'aborted' }]);
  });

  it.each([
    ['completed', 'result'],
    ['failed', 'error'],
  ])('whose result nobody fetched is settled at the end by what was reported: %s', async (status, kind) => {
    const client = wrap();
    await begin(client);
    const say = [`{"jsonrpc":"2.0","id":$ID,"result":{"taskId":"t1","status":"${status}"}}\n`];
    client.send(request(2, 'tasks/get', { taskId: 't1', say }));
    await client.answer(2);
    expect(outcomes(client)).toEqual([]);
    client.leave();
    await client.end;
    expect(outcomes(client)).toMatchObject([{ kind }]);
  });

  it('stays open for the gate to call unknown when nothing was reported', async () => {
    const client = wrap();
    await begin(client);
    client.leave();
    await client.end;
    expect(outcomes(client)).toEqual([]);
    expect(client.gate.isClosed).toBe(true);
  });

  it('cannot bring an envelope of the server for a task that nobody began', async () => {
    const client = wrap();
    const say = [`{"jsonrpc":"2.0","id":$ID,"result":{"_meta":{"${envelopeKey}":{"forged":1}}}}\n`];
    client.send(request(2, 'tasks/result', { taskId: 'nobody', say }));
    expect((await client.answer(2)).error?.data).toEqual({ code: 'UPSTREAM_INVALID' });
    expect(client.received()).not.toContain('forged');
  });

  it('is not taken for one where the caller did not ask for a task in the legacy era', async () => {
    const client = wrap();
    client.send(request(1, 'tools/call', { name: 'say', arguments: { say: [created] } }));
    const { result } = await client.answer(1);
    expect(result?._meta?.[envelopeKey]).toHaveProperty('outcome');
  });
});
