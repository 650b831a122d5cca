import { describe, expect, it } from 'vitest';
import { CountersignError } from '../../../src/errors.ts';
import { connected, idOf, json, modernMeta, standIn } from './connected.ts';

const gate = () =>
  standIn((request, response) => {
    if (request.method !== 'POST') return json(response, 405, {});
    const id = idOf(request);
    if (id === undefined) return void response.writeHead(202).end();
    return json(response, 200, { jsonrpc: '2.0', id, result: {} });
  });

describe('a relay that acts for a person', () => {
  it('asks for the token before each request, and sends the one of that moment beside the API key', async () => {
    await using at = await gate();
    const tokens = ['first', undefined, 'third'];
    const { request, remote } = connected(at.url, { humanToken: () => Promise.resolve(tokens.shift()) });
    for (let i = 0; i < 3; i += 1) await request('tools/list', { _meta: modernMeta });
    await remote.close(200);
    expect(at.seen.map(({ headers }) => headers['countersign-human-token'])).toEqual([
      'first',
      undefined,
      'third',
    ]);
    expect(new Set(at.seen.map(({ headers }) => headers.authorization))).toEqual(
      new Set(['Bearer cs_live_test']),
    );
  });

  it('sends nothing when there should be one and none can be had: the caller gets the reason', async () => {
    await using at = await gate();
    const failed = new CountersignError('LOGIN_MISSING', 'Nobody is logged in.');
    const { request, remote } = connected(at.url, { humanToken: () => Promise.reject(failed) });
    const { error } = await request('tools/call', { name: 'x', arguments: {}, _meta: modernMeta });
    await remote.close(200);
    expect(JSON.stringify(error)).toContain('LOGIN_MISSING');
    expect(at.seen).toEqual([]);
  });

  it('keeps the order of messages, however long a token takes', async () => {
    await using at = await gate();
    let wait = 40;
    const { request, send, remote } = connected(at.url, {
      humanToken: () => new Promise((resolve) => setTimeout(() => resolve('t'), (wait -= 10))),
    });
    const first = request('tools/list', { _meta: modernMeta });
    send('{"jsonrpc":"2.0","method":"notifications/second"}');
    const third = request('prompts/list', { _meta: modernMeta });
    await Promise.all([first, third]);
    await remote.close(200);
    const methods = at.seen.map(({ body }) => (JSON.parse(body) as { method: string }).method);
    expect(methods).toEqual(['tools/list', 'notifications/second', 'prompts/list']);
  });
});
