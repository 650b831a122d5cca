import { afterEach, describe, expect, it } from 'vitest';
import { CountersignError } from '../../src/errors.ts';
import type { UpstreamAuthority } from '../../src/targets/mcp-http.ts';
import { answerTo, bodyOf, closeServers, connectTo, listenOn, toolCall } from '../support/mcp-http.ts';

afterEach(closeServers);

interface Seen {
  readonly method: string | undefined;
  readonly authorization: string | undefined;
}

/** A server that remembers who asked it in whose name, and answers with this status. */
async function recordingServer(status = 200) {
  const seen: Seen[] = [];
  const url = await listenOn((request, response) => {
    seen.push({ method: request.method, authorization: request.headers.authorization });
    void bodyOf(request).then((body) => {
      const { id } = JSON.parse(body || '{}') as { id?: unknown };
      response
        .writeHead(status, { 'content-type': 'application/json', 'mcp-session-id': 'session-1' })
        .end(status === 200 && id !== undefined ? answerTo(id) : '');
    });
  });
  return { seen, ...connectTo(url, { headers: {}, isOnBehalf: true }) };
}

function authorityOf(
  authorization: () => Promise<string>,
): UpstreamAuthority & { readonly refusals: string[] } {
  const refusals: string[] = [];
  return { authorization, refused: (header) => void refusals.push(header), refusals };
}

const refusing = () =>
  authorityOf(() => Promise.reject(new CountersignError('UPSTREAM_TOKEN_REFUSED', 'There is no token.')));

describe('a server that is asked in the name of people', () => {
  it('is asked nothing in nobody’s name', async () => {
    const { exchange, seen, connection } = await recordingServer();
    const driver = exchange();
    expect(await driver.execute(toolCall(1))).toMatchObject({
      kind: 'none',
      outcome: 'aborted',
      code: 'UPSTREAM_TOKEN_REFUSED',
    });
    driver.relay({ jsonrpc: '2.0', id: 2, method: 'tools/list' });
    await expect.poll(() => driver.failed).toEqual([{ status: undefined, code: 'HUMAN_MISSING' }]);
    await expect(
      connection.listen(
        { onMessage: () => undefined, onClosed: () => undefined },
        {},
        AbortSignal.timeout(5_000),
      ),
    ).rejects.toMatchObject({ code: 'HUMAN_MISSING' });
    expect(seen).toEqual([]);
  });

  it('is not sent a call for whose person there is no token: it is aborted, and ran nowhere', async () => {
    const { exchange, seen } = await recordingServer();
    const driver = exchange({}, { authority: refusing() });
    expect(await driver.execute(toolCall(1))).toMatchObject({
      outcome: 'aborted',
      code: 'UPSTREAM_TOKEN_REFUSED',
      message: expect.stringContaining('Nothing ran') as string,
    });
    driver.relay({ jsonrpc: '2.0', id: 2, method: 'tools/list' });
    await expect.poll(() => driver.failed).toEqual([{ status: undefined, code: 'UPSTREAM_TOKEN_REFUSED' }]);
    expect(seen).toEqual([]);
  });

  it('is asked with each exchange’s own token, and its session is ended with one, too', async () => {
    const { exchange, seen, connection } = await recordingServer();
    for (const name of ['one', 'two']) {
      const driver = exchange({}, { authority: authorityOf(() => Promise.resolve(`Bearer ${name}`)) });
      expect(await driver.execute(toolCall(name))).toMatchObject({ kind: 'result' });
    }
    await connection.end();
    expect(seen).toEqual([
      { method: 'POST', authorization: 'Bearer one' },
      { method: 'POST', authorization: 'Bearer two' },
      { method: 'DELETE', authorization: 'Bearer two' },
    ]);
  });

  it('is sent a call once, and the token is told to be no good, when it says 401', async () => {
    const { exchange, seen } = await recordingServer(401);
    const authority = authorityOf(() => Promise.resolve('Bearer stale'));
    const driver = exchange({}, { authority });
    expect(await driver.execute(toolCall(1))).toMatchObject({ outcome: 'failed', code: 'UPSTREAM_INVALID' });
    expect(seen).toHaveLength(1);
    expect(authority.refusals).toEqual(['Bearer stale']);
  });

  it('is not sent a call that was cancelled while its token was asked for', async () => {
    const { exchange, seen } = await recordingServer();
    const { promise, resolve } = Promise.withResolvers<string>();
    const caller = new AbortController();
    const driver = exchange({}, { authority: authorityOf(() => promise) });
    const execution = driver.execute(toolCall(1), caller.signal);
    caller.abort();
    resolve('Bearer late');
    expect(await execution).toMatchObject({ outcome: 'aborted', code: 'CALLER_CANCELLED' });
    expect(seen).toEqual([]);
  });
});
