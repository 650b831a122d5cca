import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { calculateJwkThumbprint, SignJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { utf8 } from '../../src/call/sha256.ts';
import { loadTrust } from '../../src/verify/trust.ts';
import { verifyInputs } from '../../src/verify/verify.ts';
import { clientExtensions, make, makeRoot, pemOf, type Made } from '../identity/possession/certificates.ts';
import { audience, issuerName, jwksOf, sign, testKey, type TestKey } from '../identity/tokens/tokens.ts';
import {
  bundleExample,
  makeWorld,
  readTrust,
  startWorker,
  type RunningWorker,
  type World,
} from './support/world.ts';

/** Who calls, in workerd: the same checks, by WebCrypto, with keys that are fetched as everywhere. */

let world: World;
let worker: RunningWorker;
let idp: TestKey;
let own: TestKey;
let devices: Made;
let keysAsked = 0;
const current = { from: Date.now() - 60_000, until: Date.now() + 3_600_000 };

beforeAll(async () => {
  [idp, own] = [await testKey('idp'), await testKey('own')];
  devices = await makeRoot({ ...current, name: 'CN=devices' });
  world = await makeWorld();
  worker = await startWorker({
    script: await bundleExample(join(import.meta.dirname, 'support/identity-worker.ts')),
    bindings: { ...world.secrets, DEVICES: pemOf(devices) },
    service({ url }) {
      if (url !== 'https://idp.test/jwks') return Response.json({ moved: true });
      keysAsked += 1;
      return new Response(jwksOf(idp));
    },
  });
}, 120_000);
afterAll(async () => {
  await worker[Symbol.asyncDispose]();
  world[Symbol.dispose]();
}, 60_000);

const seconds = (): number => Math.floor(Date.now() / 1_000);
const claims = () => ({
  iss: issuerName,
  sub: 'ada',
  aud: audience,
  iat: seconds() - 60,
  exp: seconds() + 600,
  roles: ['ot.operator'],
});

interface Answered {
  readonly status: number;
  readonly code: string | undefined;
  readonly principal: { readonly human?: object; readonly device?: object };
}

async function move(
  headers: Readonly<Record<string, string>>,
  { action = 'move', cf }: { readonly action?: string; readonly cf?: object } = {},
): Promise<Answered> {
  const answer = await worker.workerd.dispatchFetch(`https://gate.example/actions/${action}`, {
    method: 'POST',
    headers: { 'countersign-key': world.apiKey, 'content-type': 'application/json', ...headers },
    body: '{}',
    ...(cf && { cf }),
  });
  const text = await answer.text();
  const { _meta: meta } = JSON.parse(text) as {
    _meta: {
      'dev.countersign/denial'?: { code: string };
      'dev.countersign/envelope': { verdict: { dsseEnvelope: { payload: string } } };
    };
  };
  const denial = meta['dev.countersign/denial'];
  const inputs = [{ name: 'answer', bytes: utf8(text) }];
  const trust = await loadTrust(readTrust(world));
  const { ok } = await verifyInputs(inputs, trust, { expect: denial ? 'deny' : 'executed' });
  expect(ok).toBe(true);
  const { payload } = meta['dev.countersign/envelope'].verdict.dsseEnvelope;
  const { predicate } = JSON.parse(Buffer.from(payload, 'base64').toString()) as {
    predicate: { principal: Answered['principal'] };
  };
  return { status: answer.status, code: denial?.code, principal: predicate.principal };
}

const human = (token: string): Record<string, string> => ({ 'countersign-human-token': token });

describe('who calls a Worker', () => {
  it('is stated once their token was verified, whose keys are fetched once', async () => {
    const before = keysAsked;
    const token = await sign(idp, claims());
    for (let i = 0; i < 3; i += 1)
      expect(await move(human(token))).toMatchObject({
        status: 200,
        principal: { human: { subject: 'ada' } },
      });
    expect(keysAsked - before).toBeLessThanOrEqual(1);
  });

  it('is denied, signed, with what does not hold', async () => {
    const forged = await sign({ ...own, id: idp.id }, claims());
    expect(await move(human(forged))).toMatchObject({ code: 'HUMAN_TOKEN_SIGNATURE_INVALID' });
    const ended = await sign(idp, { ...claims(), iat: seconds() - 600, exp: seconds() - 1 });
    expect(await move(human(ended))).toMatchObject({ code: 'HUMAN_TOKEN_EXPIRED', status: 401 });
    expect(await move({})).toMatchObject({ code: 'HUMAN_MISSING' });
  });

  it('has a bound token proven once for each request', async () => {
    const jkt = await calculateJwkThumbprint(own.jwk);
    const token = await sign(idp, { ...claims(), cnf: { jkt } });
    expect(await move(human(token))).toMatchObject({ code: 'HUMAN_TOKEN_UNBOUND' });
    const ath = createHash('sha256').update(token).digest('base64url');
    const { kty, crv, x, y } = own.jwk;
    const proof = await new SignJWT({
      htm: 'POST',
      htu: 'https://gate.example/actions/move',
      jti: crypto.randomUUID(),
      iat: seconds(),
      ath,
    })
      .setProtectedHeader({ typ: 'dpop+jwt', alg: 'ES256', jwk: { kty: kty!, crv: crv!, x: x!, y: y! } })
      .sign(own.privateKey);
    const proven = { ...human(token), dpop: proof };
    expect(await move(proven)).toMatchObject({ principal: { human: { binding: 'dpop' } } });
    expect(await move(proven)).toMatchObject({ code: 'HUMAN_TOKEN_PROOF_REPLAYED' });
  });

  it('has their device by the certificate that the platform has verified, and by no header', async () => {
    const laptop = await make({ ...current, name: 'CN=laptop-7', by: devices, extensions: clientExtensions });
    const shown = `:${Buffer.from(laptop.der).toString('base64')}:`;
    const told = { certPresented: '1', certVerified: 'SUCCESS', certRevoked: '0', certRFC9440: shown };
    const action = 'from-device';
    expect(await move({}, { action, cf: { tlsClientAuth: told } })).toMatchObject({
      status: 200,
      principal: { device: { id: 'laptop-7' } },
    });
    const failed = { ...told, certVerified: 'FAILED:self signed certificate' };
    expect(await move({}, { action, cf: { tlsClientAuth: failed } })).toMatchObject({
      code: 'DEVICE_MISSING',
    });
    expect(await move({ 'client-cert': shown }, { action })).toMatchObject({ code: 'DEVICE_MISSING' });
  });

  it('is out once their issuer says so, until a new login', async () => {
    const token = await sign(idp, claims());
    expect((await move(human(token))).status).toBe(200);
    const event = {
      iss: issuerName,
      aud: audience,
      iat: seconds(),
      jti: crypto.randomUUID(),
      sub_id: { format: 'iss_sub', iss: issuerName, sub: 'ada' },
      events: {
        'https://schemas.openid.net/secevent/caep/event-type/session-revoked': {
          event_timestamp: seconds() - 5,
        },
      },
    };
    const pushed = await worker.ask('/v1/security-events', {
      method: 'POST',
      headers: { 'content-type': 'application/secevent+jwt' },
      body: await sign(idp, event, { typ: 'secevent+jwt' }),
    });
    expect([pushed.status, await pushed.text()]).toEqual([202, '']);
    expect(await move(human(token))).toMatchObject({ code: 'HUMAN_REVOKED', status: 401 });
    const again = await sign(idp, { ...claims(), iat: seconds() });
    expect((await move(human(again))).status).toBe(200);
  });
});
