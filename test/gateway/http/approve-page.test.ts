import { describe, expect, it, vi } from 'vitest';
import type { JsonObject } from '../../../src/call/json.ts';
import { approvePage, approvePaths } from '../../../src/gateway/http/approve-page.ts';
import { pageScript } from '../../../src/gateway/http/approve-page-text.ts';
import { byPasskey, origin, passkeyWorld, type Seen } from './passkey-world.ts';

async function page() {
  const made = await passkeyWorld();
  const refused: string[] = [];
  const app = approvePage({ desk: made.desk, origin, onRefused: (code) => refused.push(code) });
  const post = async (path: string, body: unknown, headers: Record<string, string> = {}) => {
    const response = await app.request(path, {
      method: 'POST',
      headers: { origin, 'content-type': 'application/json', ...headers },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    });
    const json = (await response.json()) as JsonObject & { error?: { code: string } };
    return { status: response.status, code: json.error?.code, json, headers: response.headers };
  };
  return { ...made, app, post, refused };
}

describe('the page', () => {
  it('shows a call to whoever may answer it, and takes their signature', async () => {
    const { post, ask, enrolled, check } = await page();
    const id = await ask({ obligations: [byPasskey] });
    const { key } = await enrolled('lea');
    const { json: options } = await post('/approve/see/options', {});
    const seen = await post('/approve/see', { credential: key.get(options), id });
    expect(seen).toMatchObject({ status: 200, json: { name: 'lea', requests: [{ approval: { id } }] } });
    const [{ approve } = {} as Seen] = seen.json['requests'] as unknown as Seen[];
    const answered = await post('/approve/answer', { id, answer: 'approve', credential: key.get(approve) });
    expect(answered).toMatchObject({ status: 200, json: { state: 'approved', new: true } });
    expect(await check({ obligations: [byPasskey] })).toMatchObject({ met: true });
  });

  it.each([
    ['another site', { origin: 'https://attacker.example' }],
    ['a sibling of ours', { origin: 'https://a.gate.example.org' }],
    ['a frame without an origin', { origin: 'null' }],
    ['a page that says so by its browser', { 'sec-fetch-site': 'cross-site' }],
    ['a page of the same domain', { 'sec-fetch-site': 'same-site' }],
    ['no page', { origin: '' }],
  ])('answers nothing to %s', async (_, headers) => {
    const { post, refused, invite } = await page();
    const { token } = await invite('lea');
    for (const [path, body] of [
      ['/approve/see/options', {}],
      ['/approve/see', {}],
      ['/approve/answer', {}],
      ['/approve/enrol/options', { token }],
      ['/approve/enrol', { token }],
    ] as const)
      expect(await post(path, body, headers)).toMatchObject({ status: 403, code: 'APPROVER_REFUSED' });
    expect(refused).toHaveLength(5);
  });

  it.each([
    ['/approve/see', '{"credential":{},"id":1}', 'FRAME_INVALID'],
    ['/approve/see', '{"credential":{},"as":"lea"}', 'FRAME_INVALID'],
    ['/approve/see', '{"credential":{"id":"a","id":"b"}}', 'ARGUMENTS_AMBIGUOUS'],
    ['/approve/answer', '{"id":"a","answer":"yes"}', 'FRAME_INVALID'],
    ['/approve/answer', '[]', 'FRAME_INVALID'],
    ['/approve/enrol/options', '{"token":"x"}', 'NOT_FOUND'],
    ['/approve/enrol', `{"token":"${'x'.repeat(20_000)}"}`, 'TOO_LARGE'],
  ])('takes at %s nothing like %s', async (path, body, code) => {
    const { post } = await page();
    expect(await post(path, body)).toMatchObject({ code });
  });

  it('answers so many at a time, and a body that comes slowly is none of them', async () => {
    const { desk, headers } = {
      ...(await passkeyWorld()),
      headers: { origin, 'content-type': 'application/json' },
    };
    let open = (): void => undefined;
    let asked = 0;
    const opened = new Promise<void>((resolve) => (open = resolve));
    const seeing = async () => {
      asked += 1;
      await opened;
      return desk.seeing();
    };
    const app = approvePage({ desk: { ...desk, seeing }, origin, onRefused: () => undefined });
    const post = async (body: string | ReadableStream) =>
      app.request('/approve/see/options', { method: 'POST', headers, body, duplex: 'half' });
    for (let at = 0; at < 20; at += 1)
      void post(new ReadableStream({ pull: () => new Promise(() => undefined) }));
    const all = Array.from({ length: 16 }, () => post('{}'));
    await vi.waitFor(() => expect(asked).toBe(16));
    expect((await post('{}')).status).toBe(503);
    open();
    expect((await Promise.all(all)).map(({ status }) => status)).toEqual(all.map(() => 200));
    expect((await post('{}')).status).toBe(200);
  });

  it('takes no form', async () => {
    const { post } = await page();
    const sent = await post('/approve/see/options', '{}', { 'content-type': 'text/plain' });
    expect(sent).toMatchObject({ code: 'FRAME_INVALID' });
  });

  it('has nothing but its own files, in no frame, says nothing of where somebody was, and is kept nowhere', async () => {
    const { app } = await page();
    for (const path of approvePaths) {
      const response = await app.request(path);
      if (response.status === 404) continue;
      const policy = response.headers.get('content-security-policy') ?? '';
      expect(policy).toContain("default-src 'none'");
      expect(policy).toContain("frame-ancestors 'none'");
      expect(policy).not.toMatch(/unsafe|https?:|\*/);
      expect(response.headers.get('referrer-policy')).toBe('no-referrer');
      expect(response.headers.get('cache-control')).toBe('no-store');
      const text = await response.text();
      expect(text).not.toMatch(/<script(?![^>]* src="\/approve\/)|\son\w+=|https?:\/\/|\sstyle=/);
    }
  });

  it('makes no markup of what was written elsewhere', () => {
    expect(pageScript).not.toMatch(
      /innerHTML|outerHTML|insertAdjacent|document\.write|eval|Function\(|\.href|localStorage/,
    );
  });
});
