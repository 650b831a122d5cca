import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { utf8 } from '../../src/call/bytes.ts';
import { createWaitingIds, responseIn } from '../../src/targets/mcp-message-ids.ts';

const json = (value: unknown): Uint8Array => utf8(JSON.stringify(value));
const request = (id: unknown) => ({ jsonrpc: '2.0', id, method: 'ping' });
const result = (id: unknown) => ({ jsonrpc: '2.0', id, result: {} });
const error = (id: unknown) => ({ jsonrpc: '2.0', id, error: { code: -1, message: '' } });

describe('ids that wait', () => {
  it('are those of requests, and go one by one with their answers', () => {
    const ids = createWaitingIds(
      json([request(1), request('1'), { jsonrpc: '2.0', method: 'note' }, result(9)]),
    );
    expect(ids.keys).toEqual(['n:1', 's:1']);
    ids.answered(json(request(1)));
    ids.answered(json(result(2)));
    ids.answered(json(result(null)));
    expect(ids.keys).toEqual(['n:1', 's:1']);
    ids.answered(json([error('1'), { jsonrpc: '2.0', method: 'note' }]));
    expect(ids.keys).toEqual(['n:1']);
    ids.answered(utf8('{"jsonrpc":"2.0","id":1.0,"result":{}}'));
    expect(ids.isEmpty).toBe(true);
  });

  it.each([
    ['{"jsonrpc":"2.0","id":2,"id":1,"result":{}}'],
    ['{"jsonrpc":"2.0","ID":1,"id":1,"result":{}}'],
    ['{"jsonrpc":"2.0","id":1,"result":{}'],
    [''],
  ])('do not go with what the relay takes for no answer: %s', (text) => {
    const ids = createWaitingIds(json(request(1)));
    ids.answered(utf8(text));
    expect(ids.isEmpty).toBe(false);
  });

  it('are none where there is no request', () => {
    for (const sent of [{ jsonrpc: '2.0', method: 'note' }, result(1), [], 'x'])
      expect(createWaitingIds(json(sent)).isEmpty).toBe(true);
  });
});

describe('a body beside the status of an error', () => {
  it.each([
    [error(1), 'named'],
    [[error(1), error(null)], 'named'],
    [error(null), 'nameless'],
    [{ jsonrpc: '2.0', error: {} }, 'nameless'],
    [{ error: 'not found' }, undefined],
    [request(1), undefined],
    [[], undefined],
    [null, undefined],
  ])('%j is %s', (body, kind) => {
    expect(responseIn(json(body))).toBe(kind);
  });

  it('never throws', () => {
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array(), fc.json().map(utf8)), (bytes) => {
        responseIn(bytes);
        createWaitingIds(bytes).answered(bytes);
      }),
    );
  });
});
