import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import type { Notice } from '../../../src/gate/parts.ts';
import {
  createNotices,
  type NoticeLimits,
  type NoticeResult,
} from '../../../src/runtime/notices/create-notices.ts';

interface Heard {
  readonly method: string | undefined;
  readonly path: string | undefined;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

const servers: Server[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});

/** A server that answers with these statuses, one after another and the last for ever; 0 is never. */
async function recipient(...statuses: readonly number[]) {
  const heard: Heard[] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk) => (body += String(chunk)));
    request.on('end', () => {
      heard.push({ method: request.method, path: request.url, headers: request.headers, body });
      const status = statuses[heard.length - 1] ?? statuses.at(-1) ?? 204;
      if (status !== 0) response.writeHead(status, { location: '/elsewhere' }).end();
    });
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { heard, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook` };
}

function notices(url: string, limits: Partial<NoticeLimits> = {}, timeout = 2_000) {
  const results: [string, NoticeResult][] = [];
  let said = '';
  const opened = createNotices({
    recipients: { ops: { url, headers: { authorization: 'Bearer secret' }, timeout } },
    source: 'spiffe://test.example/gate/one',
    stderr: { write: (text: string) => (said += text) },
    onEnd: (to, result) => results.push([to, result]),
    limits: { pauses: [5, 5], closeWithin: 300, ...limits },
  });
  return { ...opened, results, said: () => said };
}

const notice = (callId = 'c1'): Notice => ({
  ...{ callId, server: 'mail', tool: 'send', rule: 'r1', outcome: 'executed' },
  envelopes: { verdict: '{"v":1.50}', outcome: '{"o":"é"}' },
});

const failed = [['ops', 'failed']];

describe('a notice', () => {
  it('is a CloudEvent with the envelopes as they are, posted with the headers of the configuration', async () => {
    const { heard, url } = await recipient(200);
    const { tell, close, results } = notices(url);
    tell('ops', notice());
    await close();
    const [first] = heard;
    expect(first).toMatchObject({
      method: 'POST',
      path: '/hook',
      headers: { authorization: 'Bearer secret' },
    });
    expect(first?.headers['content-type']).toMatch(/^application\/cloudevents\+json/);
    expect(first?.body).toContain('"envelopes":{"verdict":{"v":1.50},"outcome":{"o":"é"}}');
    expect(JSON.parse(first?.body ?? '')).toMatchObject({
      ...{ specversion: '1.0', type: 'dev.countersign.outcome', id: 'c1/r1', subject: 'mail/send' },
      ...{ source: 'spiffe://test.example/gate/one', datacontenttype: 'application/json' },
      time: expect.stringMatching(/^\d{4}-.*Z$/) as string,
      data: { callId: 'c1', server: 'mail', tool: 'send', rule: 'r1', outcome: 'executed' },
    });
    expect(results).toEqual([['ops', 'delivered']]);
  });

  it.each([
    [[503, 429, 200], 3, 'delivered'],
    [[500], 3, 'failed'],
    [[404], 1, 'failed'],
    [[401], 1, 'failed'],
  ] as const)(
    'is tried again where that may help, three times in all: %j',
    async (statuses, tries, result) => {
      const { heard, url } = await recipient(...statuses);
      const { tell, close, results } = notices(url);
      tell('ops', notice());
      await close();
      expect([heard.length, results]).toEqual([tries, [['ops', result]]]);
      expect(new Set(heard.map(({ body }) => body)).size).toBe(1);
    },
  );

  it.each([301, 307, 308])('goes nowhere else, with what it says and its credentials: %i', async (status) => {
    const { heard, url } = await recipient(status);
    const { tell, close, results } = notices(url);
    tell('ops', notice());
    await close();
    expect([heard.length, results]).toEqual([1, failed]);
  });

  it('that nobody answers in time, or where nobody is, has failed, and is told in a line without secrets', async () => {
    const { url } = await recipient(0);
    const silent = notices(url, {}, 20);
    const gone = notices('http://127.0.0.1:1/hook');
    for (const { tell } of [silent, gone]) tell('ops', notice());
    await Promise.all([silent.close(), gone.close()]);
    expect([silent.results, gone.results]).toEqual([failed, failed]);
    expect(silent.said()).toBe('countersign: A notice to ops was not delivered: no answer in time.\n');
    expect(gone.said()).not.toMatch(/secret|c1/);
  });

  it('waits for no answer, and at the end for none longer than it may', async () => {
    const { url } = await recipient(0);
    const { tell, close, results } = notices(url, { closeWithin: 50 });
    for (const id of ['c1', 'c2']) tell('ops', notice(id));
    expect(results).toEqual([]);
    const began = performance.now();
    await close();
    expect(performance.now() - began).toBeLessThan(1_000);
    expect(results).toEqual([...failed, ...failed]);
  });

  it('is dropped and counted where too many wait, and after the end', async () => {
    const { heard, url } = await recipient(204);
    const { tell, close, results } = notices(url, { waiting: 2 });
    for (const id of ['c1', 'c2', 'c3']) tell('ops', notice(id));
    expect(results).toEqual([['ops', 'dropped']]);
    await close();
    tell('ops', notice('c4'));
    expect(heard.map(({ body }) => (JSON.parse(body) as { id: string }).id)).toEqual(['c1/r1', 'c2/r1']);
    expect(results.at(-1)).toEqual(['ops', 'dropped']);
  });
});
