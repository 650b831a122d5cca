import fc from 'fast-check';
import { Hono } from 'hono';
import { beforeAll, describe, expect, it } from 'vitest';
import { parseJson } from '../../../src/call/json-scan.ts';
import { utf8 } from '../../../src/call/sha256.ts';
import { CountersignError } from '../../../src/errors.ts';
import { createHttpApp } from '../../../src/gateway/http/app.ts';
import { credentialsOf } from '../../../src/gateway/http/credentials.ts';
import { eventRoutes } from '../../../src/gateway/http/events.ts';
import {
  contradiction,
  missingHeader,
  mirrorsArguments,
  paramContradiction,
  passedHeaders,
} from '../../../src/gateway/http/mcp/request-headers.ts';
import { createStreams } from '../../../src/gateway/http/streams.ts';
import { classify, type Request as McpRequest } from '../../../src/gateway/mcp/message.ts';
import { textOfHeader } from '../../../src/gateway/mcp/mirrored-headers.ts';
import { apiKeyDigest, assertApiKeyShape, newApiKey } from '../../../src/identity/api-key.ts';
import { createAuthenticator } from '../../../src/identity/authenticate.ts';
import { readCompactJws } from '../../../src/identity/tokens/compact-jws.ts';
import { createProofVerifier } from '../../../src/identity/possession/dpop.ts';
import { forwardedCertificate } from '../../../src/identity/possession/forwarded-certificate.ts';
import { createNetworkMap } from '../../../src/identity/network.ts';
import type { Authenticator, Credentials, Principal } from '../../../src/identity/principal.ts';
import { tokenRefusals } from '../../../src/identity/tokens/token-fault.ts';
import { declareCertificates } from '../../../src/runtime/config/declare-certificates.ts';
import { declareIdentity } from '../../../src/runtime/config/declare-identity.ts';
import { identitySchema } from '../../../src/runtime/config/identity-schema.ts';
import { make, makeRoot, pemOf } from '../../identity/possession/certificates.ts';

/**
 * Whatever stands in a header, its reader has an answer, and soon: a value, or one of our own errors. Whoever sends headers has no key
 * yet, so that a reader that throws or hangs would be everybody's to stop.
 */

/** As long as Node lets all headers together be, and more than any reader needs. */
const longest = 16_384;
/** Milliseconds in which even the longest value is read: a slow pattern would take minutes. */
const soon = 1_000;

const atoms = fc.constantFrom(
  ...[
    'Bearer ',
    'DPoP ',
    'cs_live_',
    '.',
    '..',
    ',',
    ', ',
    ':',
    '::',
    ';',
    '=',
    '==',
    '/',
    '\\',
    '?',
    '#',
    '@',
    '%',
    '%2e',
  ],
  ...[
    'eyJhbGciOiJFUzI1NiJ9',
    'e30',
    'bnVsbA',
    'W10',
    ':BAUG:',
    '=?base64?',
    '?=',
    '127.0.0.1',
    '::1',
    '[::1]',
    '::ffff:',
  ],
  ...['https://', 'gate.example', 'null', '__proto__', 'NaN', '-1', '9'.repeat(400), ' ', '\t'],
);
const visible = fc.string({
  unit: fc.integer({ min: 0x20, max: 0xff }).map((code) => String.fromCharCode(code)),
});
/** What a header can hold: of any shape, of the shapes that are looked for, and very long. */
const value = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.array(fc.oneof(atoms, visible), { maxLength: 12 }).map((parts) => parts.join('')),
  },
  { weight: 2, arbitrary: visible },
  {
    weight: 1,
    arbitrary: fc.tuple(fc.oneof(atoms, visible), atoms).map(([part, end]) => {
      const text = part === '' ? 'a' : part;
      return text.repeat(Math.ceil(longest / text.length)).slice(0, longest) + end;
    }),
  },
);
const runs = { numRuns: 300 };

/** What it comes to, unless it throws something of nobody's, or takes too long. */
function read<T>(reader: () => T): T | CountersignError {
  const began = performance.now();
  try {
    return reader();
  } catch (error) {
    if (!(error instanceof CountersignError)) throw error;
    return error;
  } finally {
    expect(performance.now() - began).toBeLessThan(soon);
  }
}

describe('whatever a header says', () => {
  it('is a token with one reading, or none', () => {
    const refuse = tokenRefusals('HUMAN');
    fc.assert(
      fc.property(value, (text) => {
        const found = read(() => readCompactJws(text, refuse));
        if (found instanceof CountersignError)
          expect(found.code).toMatch(/^HUMAN_TOKEN_(?:MALFORMED|HEADER_REFUSED)$/);
      }),
      runs,
    );
  });

  it('is an API key in its one shape, or none', () => {
    fc.assert(
      fc.property(value, (text) => {
        expect(read(() => assertApiKeyShape(text))).toMatchObject({ code: 'API_KEY_MALFORMED' });
      }),
      runs,
    );
    expect(read(() => assertApiKeyShape(newApiKey()))).toBeUndefined();
  });

  it('is a certificate with what came with it, or none', () => {
    fc.assert(
      fc.property(value, fc.option(value, { nil: undefined }), (leaf, chain) => {
        const found = read(() => forwardedCertificate(leaf, chain));
        if (found instanceof CountersignError) expect(found.code).toBe('CERTIFICATE_MALFORMED');
        else expect(found?.certificate.length).toBeGreaterThan(0);
      }),
      runs,
    );
  });

  it('is no place that the peer is not at', () => {
    const map = createNetworkMap({
      zones: new Map([['home', ['127.0.0.0/8']]]),
      trustedProxies: ['192.0.2.1'],
    });
    fc.assert(
      fc.property(value, fc.constantFrom('203.0.113.9', '192.0.2.1', undefined), (forwardedFor, address) => {
        const peer = { address, forwardedFor };
        const found = read(() => map.locate(peer));
        read(() => map.isWithin(peer, ['127.0.0.0/8', forwardedFor]));
        if (address !== '192.0.2.1') expect(found).toMatchObject({ zone: 'unknown', source: 'socket' });
      }),
      runs,
    );
  });

  it('is no proof of anything', async () => {
    const verifier = createProofVerifier();
    await fc.assert(
      fc.asyncProperty(value, value, async (jwt, url) => {
        const began = performance.now();
        expect(await verifier.verify({ jwt, method: 'GET', url }, 'token', Date.now())).toBe('PROOF_INVALID');
        expect(performance.now() - began).toBeLessThan(soon);
      }),
      runs,
    );
  });

  it('repeats a message of MCP, or contradicts it', () => {
    const call = classify(
      utf8('{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"look","arguments":{"a":1}}}'),
    ) as McpRequest;
    const schema = parseJson(
      utf8('{"type":"object","properties":{"a":{"type":"number","x-mcp-header":"a"}}}'),
    ).root;
    const name = fc.constantFrom(
      ...[
        'mcp-method',
        'mcp-name',
        'mcp-protocol-version',
        'mcp-param-a',
        'mcp-param-b',
        'mcp-session-id',
        'accept',
      ],
    );
    fc.assert(
      fc.property(fc.array(fc.tuple(name, value), { maxLength: 5 }), (pairs) => {
        const headers = headersOf(pairs);
        read(() => contradiction(headers, call));
        read(() => missingHeader(headers, call));
        read(() => mirrorsArguments(headers));
        read(() => paramContradiction(headers, schema, schema));
        expect(read(() => passedHeaders(headers))).not.toHaveProperty('mcp-session-id');
        for (const [, text] of pairs) read(() => textOfHeader(text));
      }),
      runs,
    );
  });
});

describe('whatever all headers of a request say', () => {
  const pepper = new Uint8Array(32);
  const key = newApiKey();
  let authenticator: Authenticator;

  beforeAll(async () => {
    const [agents, devices] = await Promise.all([makeRoot(), makeRoot({ name: 'CN=devices' })]);
    const config = identitySchema.parse({
      audience: 'https://gate.example',
      humans: [{ issuer: 'https://idp.example', keys: { file: 'jwks.json' } }],
      devices: [{ issuer: 'https://mdm.example', keys: { file: 'jwks.json' } }],
      trustedProxies: ['192.0.2.1'],
      zones: { home: ['127.0.0.0/8'] },
      certificates: {
        agents: [{ authority: pemOf(agents), trustDomain: 'example.org' }],
        devices: [{ authority: pemOf(devices) }],
      },
    });
    const noKeys = () => Promise.reject(new Error('nobody asks for keys'));
    const evidence = {
      ...declareIdentity(config, () => noKeys),
      ...declareCertificates(config.certificates, () => ''),
    };
    const record = {
      id: 'k1',
      digest: apiKeyDigest(key, pepper),
      pepperVersion: 1,
      tenant: 'default',
      agents: ['planner'],
      status: 'active',
      createdAt: '2026-01-01T00:00:00Z',
    } as const;
    authenticator = createAuthenticator({
      keys: {
        peppers: () => [{ version: 1, secret: pepper }],
        find: (digest) => (digest === record.digest ? record : undefined),
      },
      trustDomain: 'example.org',
      evidence,
    });
  });

  const names = fc.constantFrom(
    ...['authorization', 'countersign-human-token', 'countersign-agent-token', 'countersign-device-token'],
    ...['dpop', 'countersign-agent-dpop', 'client-cert', 'client-cert-chain', 'x-forwarded-for'],
    ...['cf-access-jwt-assertion', 'countersign-key'],
  );
  const some = fc.array(fc.tuple(names, value), { maxLength: 8 });
  const peers = fc.constantFrom({ address: '192.0.2.1' }, { address: '203.0.113.9' }, {});

  it('makes the holder of a key nobody else, and whoever has none nobody', async () => {
    const stranger = (await make({})).der;
    await fc.assert(
      fc.asyncProperty(
        some,
        peers,
        fc.boolean(),
        fc.boolean(),
        async (pairs, peer, hasKey, hasCertificate) => {
          const kept = pairs.filter(([name]) => !hasKey || name !== 'countersign-key');
          const headers = headersOf([...kept, ...(hasKey ? ([['countersign-key', key]] as const) : [])]);
          const credentials = await credentialsIn(headers, {
            ...peer,
            ...(hasCertificate && { certificate: stranger }),
          });
          const began = performance.now();
          const found = await authenticated(authenticator, credentials);
          expect(performance.now() - began).toBeLessThan(soon);
          if (!hasKey) expect(found).toHaveProperty('code', expect.stringMatching(/^API_KEY_/));
          else if (!(found instanceof CountersignError)) {
            expect(found).toMatchObject({ apiKeyId: 'k1', tenant: 'default' });
            expect(found).not.toHaveProperty('human');
            expect(found).not.toHaveProperty('device');
            expect(found.agent.value).toMatchObject({
              id: 'spiffe://example.org/agent/planner',
              binding: 'none',
            });
          }
        },
      ),
      { numRuns: 150 },
    );
  });
});

describe('the application', () => {
  const failed: unknown[] = [];
  const gate = {
    authenticate: () => Promise.resolve({ apiKeyId: 'one' } as Principal),
    watch: (_: unknown, __: unknown, until: AbortSignal) => until,
  };
  const streams = createStreams({ perOwner: 1e6, all: 1e6 });
  const events = eventRoutes({
    gate,
    streams,
    source: { size: () => Promise.resolve(7), read: () => Promise.resolve([]) } as never,
  });
  const echo = new Hono();
  echo.post('/act', ({ text }) => text('done'));
  const app = createHttpApp({
    gate,
    isOwnHost: (host) => host === 'gate.example',
    origins: new Set(['https://console.example']),
    routes: [echo, events],
    maxInFlightPerKey: 1e6,
    ready: () => Promise.resolve({ ready: true, parts: {} }),
    version: '0',
    onError: (error) => failed.push(error),
  });

  it('answers no host but its own, and no page of another origin', async () => {
    const method = fc.constantFrom('POST', 'OPTIONS', 'GET');
    await fc.assert(
      fc.asyncProperty(
        method,
        value,
        fc.option(value, { nil: undefined }),
        value,
        async (asked, host, origin, more) => {
          const headers = headersOf([
            ['host', host],
            ...(origin === undefined ? [] : ([['origin', origin]] as const)),
            ['access-control-request-method', more],
            ['access-control-request-headers', more],
          ]);
          const elsewhere = await app.request('/act', { method: asked, headers });
          if (headers.get('host') !== 'gate.example') expect(elsewhere.status).toBe(421);
          headers.set('host', 'gate.example');
          const here = await app.request('/act', { method: asked, headers });
          expect(here.headers.get('access-control-allow-origin')).toBeNull();
          if (headers.has('origin')) expect(here.status).toBe(403);
        },
      ),
      { numRuns: 150 },
    );
    expect(failed).toEqual([]);
  });

  it('begins its events at an index of the log, or not at all', async () => {
    await fc.assert(
      fc.asyncProperty(value, async (text) => {
        const headers = headersOf([
          ['host', 'gate.example'],
          ['last-event-id', text],
        ]);
        const response = await app.request('/v1/events', { headers });
        await response.body?.cancel();
        const last = headers.get('last-event-id') ?? '';
        expect(response.status).toBe(/^[0-6]$/.test(last) ? 200 : 400);
      }),
      { numRuns: 150 },
    );
    expect(failed).toEqual([]);
  });
});

/** As the platform takes them: a value that no header can have is left out. */
function headersOf(pairs: readonly (readonly [string, string])[]): Headers {
  const headers = new Headers();
  for (const [name, text] of pairs) {
    try {
      headers.append(name, text);
    } catch {
      // A line feed or a NUL: refused by the parser of every server.
    }
  }
  return headers;
}

async function credentialsIn(headers: Headers, peer: object): Promise<Credentials> {
  const app = new Hono();
  let found: Credentials | undefined;
  app.get('/', (context) => {
    found = read(() => credentialsOf(context)) as Credentials;
    return context.text('');
  });
  await app.request('/', { headers }, { peer });
  return found as Credentials;
}

async function authenticated(
  authenticator: Authenticator,
  credentials: Credentials,
): Promise<Principal | CountersignError> {
  try {
    return await authenticator.authenticate(credentials, Date.now());
  } catch (error) {
    if (error instanceof CountersignError) return error;
    throw error;
  }
}
