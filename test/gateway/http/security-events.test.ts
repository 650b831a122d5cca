import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { SignJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { jwksOf, testKey } from '../../identity/tokens/tokens.ts';
import { serveConfig, type ServedConfig } from '../../support/served-config.ts';

/** A transmitter that is also who issues people's tokens, with its keys on HTTP; and what carries the action out. */
let server: Server;
let issuer: string;
let gateway: ServedConfig;
const key = await testKey('k1');
const stranger = await testKey('k1');
const seconds = (): number => Math.floor(Date.now() / 1_000);
const caep = 'https://schemas.openid.net/secevent/caep/event-type/';

beforeAll(async () => {
  server = createServer((request, response) => {
    response.setHeader('content-type', 'application/json');
    response.end(request.url === '/jwks' ? jwksOf(key) : '{"done":true}');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  gateway = await serveConfig({
    configuration: (url) => `version: 1
publicUrl: ${url}
policies: [policy.yaml]
identity:
  humans: [{ issuer: "${issuer}", keys: { url: "${issuer}/jwks" }, algorithms: [ES256] }]
  events:
    - issuer: ${issuer}
      keys: { url: "${issuer}/jwks" }
      algorithms: [ES256]
      authorization: \${env:EVENTS}
actions:
  act: { parameters: { type: object }, request: { url: "${issuer}/act" } }
`,
    policy: `version: 1
name: people
rules: [{ id: people, effect: allow, tools: ['actions/act'], when: 'human.subject != ""' }]
`,
    env: { EVENTS: 'Bearer of news' },
  });
});

afterAll(async () => {
  await gateway[Symbol.asyncDispose]();
  server.closeAllConnections();
  server.close();
});

const tokenOf = (sub: string, sid: string): Promise<string> =>
  new SignJWT({ sub, sid })
    .setProtectedHeader({ alg: 'ES256', kid: 'k1', typ: 'at+jwt' })
    .setIssuer(issuer)
    .setAudience(gateway.url)
    .setIssuedAt()
    .setExpirationTime('5m')
    .sign(key.privateKey);

let count = 0;
const eventOf = (type: string, subject: object, payload: object = {}, by = key): Promise<string> =>
  new SignJWT({ sub_id: subject, events: { [type]: { event_timestamp: seconds(), ...payload } } })
    .setProtectedHeader({ alg: 'ES256', kid: 'k1', typ: 'secevent+jwt' })
    .setIssuer(issuer)
    .setAudience(gateway.url)
    .setIssuedAt()
    .setJti(`e-${(count += 1)}`)
    .sign(by.privateKey);

const push = (body: string, headers: Record<string, string> = {}): Promise<Response> =>
  fetch(`${gateway.url}/v1/security-events`, {
    method: 'POST',
    body,
    headers: { 'content-type': 'application/secevent+jwt', authorization: 'Bearer of news', ...headers },
  });

async function act(token: string): Promise<string> {
  const response = await fetch(`${gateway.url}/actions/act`, {
    method: 'POST',
    body: '{}',
    headers: {
      'content-type': 'application/json',
      'countersign-key': gateway.apiKey,
      authorization: `Bearer ${token}`,
    },
  });
  await response.text();
  return response.headers.get('countersign-reason') ?? String(response.status);
}

const size = async (): Promise<number> => (await gateway.ledger.checkpoint())?.size ?? 0;
const person = (sub: string) => ({ format: 'iss_sub', iss: issuer, sub });
const complex = (sub: string, sid: string) => ({
  format: 'complex',
  user: person(sub),
  session: { format: 'opaque', id: sid },
});

describe('POST /v1/security-events', () => {
  it('ends a session before it answers: other sessions of the same person go on', async () => {
    const [one, other] = [await tokenOf('ada', 's-1'), await tokenOf('ada', 's-2')];
    expect([await act(one), await act(other)]).toEqual(['200', '200']);
    const response = await push(await eventOf(`${caep}session-revoked`, complex('ada', 's-1')));
    expect([response.status, await response.text()]).toEqual([202, '']);
    expect([await act(one), await act(other)]).toEqual(['SESSION_REVOKED', '200']);
  });

  it('shuts an account out, and lets it in again', async () => {
    const token = await tokenOf('ben', 's-3');
    const risc = 'https://schemas.openid.net/secevent/risc/event-type/';
    await push(await eventOf(`${risc}account-disabled`, person('ben')));
    expect(await act(token)).toBe('HUMAN_REVOKED');
    await push(await eventOf(`${risc}account-enabled`, person('ben')));
    expect(await act(token)).toBe('200');
  });

  it('takes an event that was taken before, and logs nothing', async () => {
    const event = await eventOf(`${caep}session-revoked`, complex('cy', 's-4'));
    expect((await push(event)).status).toBe(202);
    const before = await size();
    expect((await push(event)).status).toBe(202);
    expect(await size()).toBe(before);
  });

  it('says in the words of RFC 8935 why it does not take one', async () => {
    const said = async (response: Response): Promise<unknown> => {
      const { err } = (await response.json()) as { readonly err: string };
      return [response.status, err];
    };
    const type = `${caep}session-revoked`;
    const good = await eventOf(type, person('ada'));
    expect(await said(await push('x'))).toEqual([400, 'invalid_request']);
    expect(await said(await push(good, { 'content-type': 'application/jwt' }))).toEqual([
      400,
      'invalid_request',
    ]);
    expect(await said(await push('x'.repeat(20_000)))).toEqual([400, 'invalid_request']);
    expect(await said(await push(good, { authorization: 'Bearer no' }))).toEqual([
      400,
      'authentication_failed',
    ]);
    expect(await said(await push(await eventOf(type, person('ada'), {}, stranger)))).toEqual([
      400,
      'authentication_failed',
    ]);
    expect(
      await said(await push(await eventOf(type, { ...person('ada'), iss: 'https://other.test' }))),
    ).toEqual([400, 'access_denied']);
    expect(await said(await push(await tokenOf('ada', 's-1')))).toEqual([400, 'invalid_request']);
  });

  it('is of no use to a person’s own token, and of no use for anything else', async () => {
    const event = await eventOf(`${caep}session-revoked`, person('ada'));
    expect(await act(event)).toBe('HUMAN_TOKEN_TYPE_REFUSED');
    expect((await fetch(`${gateway.url}/v1/security-events`)).status).toBe(404);
  });
});
