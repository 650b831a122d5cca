import { describe, expect, it } from 'vitest';
import { CountersignError } from '../../../src/errors.ts';
import {
  enrolmentPath,
  enrolmentRoutes,
  type EnrolmentRequest,
} from '../../../src/gateway/http/enrolment.ts';
import type { Credentials } from '../../../src/identity/principal.ts';

const issued = { certificate: 'C', authority: 'A', notAfter: Date.UTC(2026, 10, 22) };

/** Posts a body, and keeps what came through. */
async function post(body: string | object, bindings: object = {}, headers: Record<string, string> = {}) {
  const asked: { request: EnrolmentRequest; credentials: Credentials }[] = [];
  const app = enrolmentRoutes({
    enrol(request, credentials) {
      asked.push({ request, credentials });
      if (request.joinToken === 'used') throw new CountersignError('JOIN_TOKEN_USED', 'It was used.');
      return Promise.resolve(issued);
    },
  });
  const init = {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  };
  const response = await app.request(enrolmentPath, init, bindings);
  return {
    asked,
    status: response.status,
    headers: response.headers,
    body: (await response.json()) as object,
  };
}

describe('POST /v1/enrolment', () => {
  it('answers with the certificate, what it chains to, and its end', async () => {
    const { status, body, headers } = await post({ csr: 'R', joinToken: 'T' });
    expect(status).toBe(200);
    expect(body).toEqual({ certificate: 'C', authority: 'A', notAfter: '2026-11-22T00:00:00.000Z' });
    expect(headers.get('cache-control')).toBe('no-store');
  });

  it('hands on the certificate of the connection, and none that a header only claims', async () => {
    const peer = { address: '192.0.2.1', certificate: Uint8Array.of(1), chain: [] };
    const { asked } = await post({ csr: 'R' }, { peer }, { 'client-cert': ':AA==:' });
    expect(asked[0]?.credentials.peer).toMatchObject({ ...peer, forwardedCertificate: ':AA==:' });
    const without = await post({ csr: 'R' }, {}, { 'client-cert': ':AA==:' });
    expect(without.asked[0]?.credentials.peer?.certificate).toBeUndefined();
  });

  it.each<[string, string | object]>([
    ['two tokens, of which one would be used in vain', { csr: 'R', joinToken: 'T', workloadToken: 'W' }],
    ['a member that nobody here knows', { csr: 'R', joinToken: 'T', agent: 'admin' }],
    ['no request for a certificate', { joinToken: 'T' }],
    ['a token that is no text', { csr: 'R', joinToken: 7 }],
    ['an empty token as null', { csr: 'R', joinToken: null }],
    ['a list', '[]'],
  ])('refuses %s, and asks nobody', async (_, body) => {
    const { status, asked, headers } = await post(body);
    expect([status, asked, headers.get('countersign-reason')]).toEqual([400, [], 'FRAME_INVALID']);
  });

  it('refuses a token that stands there twice: two readers could each take another one', async () => {
    const { asked, headers } = await post('{"csr":"R","joinToken":"a","joinToken":"b"}');
    expect([asked, headers.get('countersign-reason')]).toEqual([[], 'ARGUMENTS_AMBIGUOUS']);
  });

  it('refuses a body that is larger than any request can be', async () => {
    const { status, asked } = await post({ csr: 'R'.repeat(40_000) });
    expect([status, asked]).toEqual([413, []]);
  });

  it('says why nothing was issued', async () => {
    const { status, headers } = await post({ csr: 'R', joinToken: 'used' });
    expect(status).toBe(401);
    expect(headers.get('countersign-reason')).toBe('JOIN_TOKEN_USED');
  });
});
