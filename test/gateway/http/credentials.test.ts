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
