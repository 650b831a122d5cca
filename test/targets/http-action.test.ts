import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import type { Call } from '../../src/call/call.ts';
import { mintPermit, type Permit } from '../../src/call/permit.ts';
import { fromUtf8, utf8 } from '../../src/call/sha256.ts';
import { CountersignError } from '../../src/errors.ts';
import { createHttpActionTarget } from '../../src/targets/http-action.ts';
import type { Execution } from '../../src/targets/target.ts';

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/do`;
}

const body = '{"value": 12.50, "unit":"bar"}';

function permit(late = 0): Permit {
  const call = { id: '0190a0a0-0000-7000-8000-000000000001', payload: utf8(body) } as Call;
  const wall = Date.now() + 5_000 - late;
  return mintPermit({
    call,
    dispatchBefore: { monotonic: performance.now() + 5_000 - late, wall },
    leaseEnds: wall + 60_000,
  });
}

const never = new AbortController().signal;

function act(url: string, options: { timeout?: number; signal?: AbortSignal; most?: number } = {}) {
  const request = {
    method: 'POST',
    url,
    headers: { authorization: 'Bearer ours' },
    timeout: 10_000,
  } as const;
  const target = createHttpActionTarget({
    request: { ...request, ...(options.timeout && { timeout: options.timeout }) },
    fetch,
    ...(options.most && { maxAnswerBytes: options.most }),
  });
  return target.execute(permit(), options.signal ?? never);
}

const answering =
  (status: number, text: string | Uint8Array, headers = {}): RequestListener =>
  (_, response) =>
    response.writeHead(status, headers).end(text);

describe('an action over HTTP', () => {
  it('sends exactly the bytes that were decided on, with the operator’s credentials and the call’s id', async () => {
    const seen: { headers?: Record<string, unknown>; body?: string } = {};
    const url = await serve((request, response) => {
      seen.headers = request.headers;
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        seen.body = Buffer.concat(chunks).toString();
        response.end('{}');
      });
    });
    await act(url);
    expect(seen.body).toBe(body);
    expect(seen.headers).toMatchObject({
      authorization: 'Bearer ours',
      'content-type': 'application/json',
      'idempotency-key': '0190a0a0-0000-7000-8000-000000000001',
    });
  });

  it('gives back the answer’s own bytes', async () => {
    const answer = '{"set": 12345678901234567890, "ok":true}';
    const execution = await act(await serve(answering(200, ` ${answer}\n`)));
    expect(execution).toMatchObject({ kind: 'result', pending: false });
    expect(bytesOf(execution)).toBe(answer);
  });

  it.each([
    ['nothing', 204, '', null],
    ['a text', 200, 'done', 'done'],
  ])('tells %s as JSON', async (_, status, text, value) => {
    expect(await act(await serve(answering(status, text)))).toMatchObject({ kind: 'result', value });
  });

  it('is an error with status and body when the service says no, also to a redirect, which nobody follows', async () => {
    expect(await act(await serve(answering(409, '{"why":"busy"}')))).toMatchObject({
      kind: 'error',
      value: { status: 409, body: { why: 'busy' } },
    });
    expect(await act(await serve(answering(307, '', { location: '/elsewhere' })))).toMatchObject({
      kind: 'error',
      value: { status: 307, body: null },
    });
  });

  it.each([
    ['bytes that are no text', Uint8Array.of(0xff, 0xfe)],
    ['a key that stands twice', '{"ok":true,"ok":false}'],
    ['more than is read', `"${'x'.repeat(2_000)}"`],
  ])('is unknown when the answer is %s: it may have run', async (_, answer) => {
    expect(await act(await serve(answering(200, answer)), { most: 1_000 })).toMatchObject({
      kind: 'none',
      outcome: 'unknown',
      code: 'UPSTREAM_INVALID',
    });
  });

  it('ran nothing when nobody listens, and is unknown when the connection breaks', async () => {
    const gone = await serve(answering(200, ''));
    for (const server of servers) await new Promise((resolve) => server.close(resolve));
    expect(await act(gone)).toMatchObject({ outcome: 'aborted', code: 'UPSTREAM_GONE' });
    const breaking = await serve((request) => request.socket.destroy());
    expect(await act(breaking)).toMatchObject({ outcome: 'unknown', code: 'UPSTREAM_GONE' });
  });

  it('is unknown when no answer comes in time, or the call is stopped meanwhile', async () => {
    expect(await act(await serve(() => undefined), { timeout: 30 })).toMatchObject({
      outcome: 'unknown',
      code: 'UPSTREAM_GONE',
    });
    const stop = new AbortController();
    const url = await serve(() => stop.abort(new CountersignError('LEASE_ENDED', 'ended')));
    expect(await act(url, { signal: stop.signal })).toMatchObject({
      outcome: 'unknown',
      code: 'LEASE_ENDED',
    });
    const left = new AbortController();
    const leaving = await serve(() => left.abort());
    expect(await act(leaving, { signal: left.signal })).toMatchObject({
      outcome: 'unknown',
      code: 'CALLER_CANCELLED',
    });
  });

  it('sends nothing under a permit that was used, is late, or whose caller has left', async () => {
    let asked = 0;
    const url = await serve((_, response) => {
      asked += 1;
      response.end();
    });
    const request = { method: 'POST', url, headers: {}, timeout: 1_000 } as const;
    const target = createHttpActionTarget({ request, fetch });
    const once = permit();
    await target.execute(once, never);
    expect(await target.execute(once, never)).toMatchObject({ outcome: 'aborted', code: 'PERMIT_EXPIRED' });
    expect(await target.execute(permit(6_000), never)).toMatchObject({ code: 'PERMIT_EXPIRED' });
    expect(await target.execute(permit(), AbortSignal.abort())).toMatchObject({
      outcome: 'aborted',
      code: 'CALLER_CANCELLED',
    });
    expect(asked).toBe(1);
  });
});

function bytesOf(execution: Execution): string | undefined {
  return execution.kind === 'result' ? fromUtf8(execution.result) : undefined;
}
