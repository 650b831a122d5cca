import fc from 'fast-check';
import { Hono } from 'hono';
import { describe, expect, it } from 'vitest';
import { credentialsOf, type HttpBindings } from '../../../src/gateway/http/credentials.ts';
import type { Credentials } from '../../../src/identity/principal.ts';

const key = 'cs_live_key';
const person = 'eyJ.human.token';

async function seen(
  headers: readonly (readonly [string, string])[],
  bindings?: HttpBindings,
): Promise<Credentials> {
  const app = new Hono();
  let found: Credentials | undefined;
  app.get('/', (context) => {
    found = credentialsOf(context);
    return context.text('');
  });
  const all = new Headers();
  for (const [name, value] of headers) all.append(name, value);
  await app.request('/', { headers: all }, bindings);
  return found as Credentials;
}

describe('the credentials of a request', () => {
  it('are a key as bearer, alone', async () => {
    expect(await seen([['authorization', `Bearer ${key}`]])).toMatchObject({
      apiKey: key,
      humanToken: undefined,
    });
  });

  it('are a person as bearer where the key has its own header', async () => {
    const credentials = await seen([
      ['authorization', `bearer ${person}`],
      ['countersign-key', key],
    ]);
    expect(credentials).toMatchObject({ apiKey: key, humanToken: person });
  });

  it('name a person and a device in headers of their own', async () => {
    const credentials = await seen([
      ['authorization', `Bearer ${key}`],
      ['countersign-human-token', person],
      ['countersign-device-token', 'eyJ.device.token'],
    ]);
    expect(credentials).toMatchObject({ apiKey: key, humanToken: person, deviceToken: 'eyJ.device.token' });
  });

  it('of a header that comes twice are no token of either', async () => {
    const { humanToken } = await seen([
      ['countersign-human-token', person],
      ['countersign-human-token', 'eyJ.other.token'],
    ]);
    expect(humanToken).not.toBe(person);
    expect(humanToken).toContain(',');
  });

  it('are a person as DPoP, and never a key', async () => {
    const token = [['authorization', `DPoP ${person}`]] as const;
    expect(await seen(token)).toMatchObject({ apiKey: undefined, humanToken: person });
    expect(await seen([...token, ['countersign-key', key]])).toMatchObject({
      apiKey: key,
      humanToken: person,
    });
  });

  it('name an agent, and the proofs of its token and of the person’s', async () => {
    const credentials = await seen([
      ['authorization', `DPoP ${person}`],
      ['countersign-agent-token', 'eyJ.agent.token'],
      ['dpop', 'eyJ.human.proof'],
      ['countersign-agent-dpop', 'eyJ.agent.proof'],
    ]);
    const request = { method: 'GET', url: 'http://localhost/' };
    expect(credentials).toMatchObject({
      agentToken: 'eyJ.agent.token',
      humanProof: { jwt: 'eyJ.human.proof', ...request },
      agentProof: { jwt: 'eyJ.agent.proof', ...request },
    });
  });

  it('have proofs for the name under which this gateway is public', async () => {
    const publicUrl = 'https://gate.example.com/governed';
    const { humanProof } = await seen([['dpop', 'eyJ.human.proof']], { publicUrl });
    expect(humanProof?.url).toBe('https://gate.example.com/governed/');
  });

  it('with a second proof have none that could hold', async () => {
    const { humanProof } = await seen([
      ['dpop', 'eyJ.human.proof'],
      ['dpop', 'eyJ.other.proof'],
    ]);
    expect(humanProof?.jwt).toContain(',');
  });

  it('are one object for the middleware and the route of a request, and another for the next', async () => {
    const app = new Hono();
    const found: Credentials[] = [];
    app.use(async (context, next) => {
      found.push(credentialsOf(context));
      await next();
    });
    app.get('/', (context) => {
      found.push(credentialsOf(context));
      return context.text('');
    });
    await app.request('/', { headers: { dpop: 'eyJ.human.proof' } });
    await app.request('/', { headers: { dpop: 'eyJ.human.proof' } });
    expect(found[1]).toBe(found[0]);
    expect(found[3]).toBe(found[2]);
    expect(found[2]?.humanProof).not.toBe(found[0]?.humanProof);
  });

  it('tell apart what a connection has shown and what a header says of one', async () => {
    const certificate = Uint8Array.of(1);
    const { peer } = await seen(
      [
        ['client-cert', ':BAUG:'],
        ['client-cert-chain', ':BwgJ:'],
      ],
      { peer: { certificate } },
    );
    expect(peer).toMatchObject({ certificate, forwardedCertificate: ':BAUG:', forwardedChain: ':BwgJ:' });
  });

  it('have the address of the connection, whatever headers say', async () => {
    const header = fc.constantFrom(
      'x-forwarded-for',
      'x-real-ip',
      'forwarded',
      'cf-connecting-ip',
      'client-cert',
      'host',
    );
    const value = fc.stringMatching(/^[!-~]{1,40}$/);
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(header, value), { maxLength: 5 }), async (headers) => {
        const { peer } = await seen(headers, { peer: { address: '203.0.113.9' } });
        expect(peer).toMatchObject({ address: '203.0.113.9' });
        expect(peer).not.toHaveProperty('certificate');
      }),
      { numRuns: 50 },
    );
  });

  it('are read from any header', async () => {
    const name = fc.constantFrom('authorization', 'countersign-key', 'countersign-human-token');
    const value = fc.oneof(fc.stringMatching(/^[ -~]{0,60}$/), fc.stringMatching(/^Bearer [ -~]{0,60}$/));
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(name, value), { maxLength: 4 }), async (headers) => {
        const { apiKey } = await seen(headers);
        if (apiKey !== undefined && !headers.some(([header]) => header === 'countersign-key'))
          expect(apiKey).toMatch(/^[\w~+/.-]+=*$/);
      }),
      { numRuns: 100 },
    );
  });
});
