import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Refusal } from '../../../../src/identity/principal.ts';
import { metaKeys } from '../../../../src/names.ts';
import { statementOf } from '../../../gate/harness.ts';
import { overStdio, startGateway, type TestGateway } from './gateway.ts';

const modernServer = new URL('../../../support/modern-server.ts', import.meta.url).pathname;

let gateway: TestGateway;
let refusal: Refusal | undefined;
let session: Record<string, string>;

function send(method: string, message?: object, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(gateway.at('modern'), {
    method,
    headers: {
      accept: 'application/json, text/event-stream',
      'content-type': 'application/json',
      authorization: `Bearer ${gateway.apiKey}`,
      ...headers,
    },
    ...(message && { body: JSON.stringify({ jsonrpc: '2.0', ...message }) }),
  });
}

const initialize = {
  id: 0,
  method: 'initialize',
  params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'raw', version: '1' } },
};

beforeAll(async () => {
  gateway = await startGateway({ modern: overStdio(modernServer) }, { refusal: () => refusal });
  const { headers } = await send('POST', initialize);
  session = { 'mcp-session-id': headers.get('mcp-session-id') ?? '' };
  refusal = { code: 'KEY_NETWORK_REFUSED', message: 'The API key does not count from this network.' };
});
afterAll(() => gateway[Symbol.asyncDispose]());

describe('a caller with a genuine key who may nothing', () => {
  it('has each call denied in a signed verdict, also with the session of the key’s owner', async () => {
    const call = { id: 1, method: 'tools/call', params: { name: 'look', arguments: { at: 'x' } } };
    for (const headers of [{}, session]) {
      const { result } = (await (await send('POST', call, headers)).json()) as {
        readonly result: { readonly isError: boolean; readonly _meta: Record<string, { verdict: object }> };
      };
      expect(result.isError).toBe(true);
      const { predicateType, predicate } = statementOf(
        JSON.stringify(result._meta[metaKeys.envelope]?.verdict),
      );
      expect(predicateType).toBe('https://countersign.dev/deny/v1');
      expect(predicate).toMatchObject({ reason: { code: 'KEY_NETWORK_REFUSED' } });
    }
  });

  it.each([
    ['POST', { id: 2, method: 'tools/list' }],
    ['POST', { id: 3, method: 'ping' }],
    ['POST', initialize],
    ['POST', { method: 'notifications/initialized' }],
    ['GET', undefined],
    ['DELETE', undefined],
  ] as const)('learns nothing else, and ends nothing: %s %o', async (method, message) => {
    const response = await send(method, message, session);
    expect(response.status).toBe(403);
    expect(await response.text()).toContain('KEY_NETWORK_REFUSED');
  });
});
