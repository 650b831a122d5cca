import { createHash, generateKeyPairSync, sign as signNow, type KeyObject } from 'node:crypto';
import { base64url } from '../src/call/bytes.ts';
import { sha256, utf8 } from '../src/call/sha256.ts';
import { apiKeyDigest, newApiKey, type ApiKeyRecord } from '../src/identity/api-key.ts';
import { createAuthenticator } from '../src/identity/authenticate.ts';
import type { Evidence } from '../src/identity/evidence.ts';
import type { Authenticator, Credentials } from '../src/identity/principal.ts';
import { declareCertificates } from '../src/runtime/config/declare-certificates.ts';
import { declareIdentity } from '../src/runtime/config/declare-identity.ts';
import { readConfig } from '../src/runtime/config/read.ts';
import { clientExtensions, make, makeRoot, pemOf, uris } from '../test/identity/possession/certificates.ts';
import { audience, jwksOf, sign, testKey, type TestKey } from '../test/identity/tokens/tokens.ts';
import { figure, quantile, type Figure } from './figure.ts';

/**
 * What it costs to know who calls, with warm caches: one after the other, as a gate asks. A proof of possession (DPoP) is made for each
 * request, so its signature has to be checked for each: it stands beside a bare check of such a signature.
 */
const rounds = 10_000;
const warmUp = 3_000;
const url = 'https://gate.test/mcp/files';

type Next = () => Credentials;

export async function* bench(): AsyncGenerator<Figure> {
  const { authenticator, brought } = await sample();
  for (const [name, next] of brought) {
    const times = await timed(next, (credentials) => authenticator.authenticate(credentials, Date.now()));
    yield figure(`identity: ${name}, p50`, quantile(times, 0.5), 'µs');
    yield figure(`identity: ${name}, p99`, quantile(times, 0.99), 'µs');
  }
  const { next, check } = await bareChecks();
  const bare = await timed(next, check);
  yield figure('identity: bare check of a P-256 signature, p50', quantile(bare, 0.5), 'µs');
}

async function sample(): Promise<{
  readonly authenticator: Authenticator;
  readonly brought: readonly (readonly [string, Next])[];
}> {
  const [people, programs, machines] = [
    await testKey('people'),
    await testKey('programs'),
    await testKey('machines'),
  ];
  const current = { from: Date.now() - 60_000, until: Date.now() + 3_600_000 };
  const authority = await makeRoot({ ...current, name: 'CN=agents' });
  const planner = 'spiffe://gate.test/agent/planner';
  const extensions = [...clientExtensions, uris(planner)];
  const leaf = await make({ ...current, by: authority, extensions });
  const apiKey = newApiKey();

  const now = Math.floor(Date.now() / 1_000);
  const times = { iat: now - 10, exp: now + 3_000, aud: audience };
  const groups = Array.from({ length: 40 }, (_, i) => `group-${i}-of-a-directory-with-long-names`);
  const human = { ...times, iss: 'https://people.test', sub: 'ada', roles: ['operator'], groups };
  const humanToken = await sign(people, human);
  const agent = { ...times, iss: 'https://programs.test', sub: 'app-1', client_id: 'app-1' };
  const agentToken = await sign(programs, agent);
  const deviceToken = await sign(machines, {
    ...times,
    iss: 'https://machines.test',
    sub: 'hmi-4',
    trust: 'managed',
  });
  const owner = newProver();
  const boundToken = await sign(people, { ...human, cnf: { jkt: owner.thumbprint } });

  const peer = { address: '10.1.2.3' };
  const key = { apiKey, peer };
  const everything = { ...key, humanToken, deviceToken };
  const certified = { ...everything, peer: { ...peer, certificate: leaf.der, chain: [] } };
  return {
    authenticator: createAuthenticator({
      trustDomain: 'gate.test',
      keys: oneKey(apiKey),
      evidence: evidenceOf({ people, programs, machines }, pemOf(authority)),
    }),
    brought: [
      ['key and network', () => key],
      ['key, human, network', () => ({ ...key, humanToken })],
      ['key, human, device, network', () => everything],
      ['key, agent’s token, human, device, network', () => ({ ...everything, agentToken })],
      ['key, agent’s certificate, human, device, network', () => certified],
      [
        'key, human with DPoP, network',
        () => ({
          ...key,
          humanToken: boundToken,
          humanProof: { jwt: owner.prove(boundToken), method: 'POST', url },
        }),
      ],
    ],
  };
}

function evidenceOf(
  keys: Readonly<Record<'people' | 'programs' | 'machines', TestKey>>,
  authority: string,
): Evidence {
  const issuer = (name: string) =>
    `issuer: https://${name}.test, algorithms: [ES256], keys: { file: ${name} }`;
  const text = `version: 1
identity:
  audience: ${audience}
  humans: [{ ${issuer('people')} }]
  agents: [{ ${issuer('programs')}, agents: { app-1: planner } }]
  devices: [{ ${issuer('machines')} }]
  certificates: { agents: [{ authority: agents.pem, trustDomain: gate.test }] }
  zones: { office: [10.0.0.0/8] }
`;
  const { identity } = readConfig({ name: 'countersign.yaml', text, env: {} });
  if (!identity) throw new Error('It has no section identity.');
  const loaderOf = ({ keys: place }: { keys: object }) => {
    const { file } = place as { file: keyof typeof keys };
    return () => Promise.resolve(jwksOf(keys[file]));
  };
  return {
    ...declareIdentity(identity, loaderOf),
    ...declareCertificates(identity.certificates, () => authority),
  };
}

function oneKey(apiKey: string) {
  const pepper = crypto.getRandomValues(new Uint8Array(32));
  const record: ApiKeyRecord = {
    id: 'key-1',
    digest: apiKeyDigest(apiKey, pepper),
    pepperVersion: 1,
    tenant: 'default',
    agents: ['planner'],
    status: 'active',
    cidrs: ['10.0.0.0/8'],
    createdAt: new Date().toISOString(),
  };
  const peppers = [{ version: 1, secret: pepper }];
  return {
    peppers: () => peppers,
    find: (digest: string) => (digest === record.digest ? record : undefined),
  };
}

/** Signs proofs as a client does, at once. */
function newProver() {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const { x = '', y = '' } = publicKey.export({ format: 'jwk' });
  const jwk = { kty: 'EC', crv: 'P-256', x, y };
  const thumbprint = base64url(sha256(utf8(JSON.stringify({ crv: 'P-256', kty: 'EC', x, y }))));
  const header = partOf({ typ: 'dpop+jwt', alg: 'ES256', jwk });
  return {
    thumbprint,
    prove(token: string): string {
      const ath = createHash('sha256').update(token).digest('base64url');
      const iat = Math.floor(Date.now() / 1_000);
      const input = `${header}.${partOf({ htm: 'POST', htu: url, jti: crypto.randomUUID(), iat, ath })}`;
      return `${input}.${signed(privateKey, utf8(input)).toString('base64url')}`;
    },
  };
}

function partOf(value: object): string {
  return base64url(utf8(JSON.stringify(value)));
}

function signed(key: KeyObject, text: Uint8Array): Buffer {
  return signNow('sha256', text, { key, dsaEncoding: 'ieee-p1363' });
}

/**
 * The check alone, as the runtimes have it that all have: WebCrypto, on other threads. What is checked is made right before, as with
 * the proofs above: threads that have nothing to do fall asleep, and waking them is part of the cost.
 */
async function bareChecks(): Promise<{
  readonly next: () => readonly [signature: Uint8Array<ArrayBuffer>, text: Uint8Array<ArrayBuffer>];
  readonly check: (signed: readonly [Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>]) => Promise<void>;
}> {
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const spki = publicKey.export({ type: 'spki', format: 'der' });
  const key = await crypto.subtle.importKey('spki', new Uint8Array(spki), algorithm, false, ['verify']);
  return {
    next() {
      const text = crypto.getRandomValues(new Uint8Array(400));
      return [new Uint8Array(signed(privateKey, text)), text];
    },
    async check([signature, text]) {
      if (await crypto.subtle.verify(algorithm, key, signature, text)) return;
      throw new Error('A good signature was refused.');
    },
  };
}

/** Microseconds of each round; what a client would do before it is not in them. */
async function timed<T>(next: () => T, work: (given: T) => unknown): Promise<number[]> {
  const times: number[] = [];
  for (let i = 0; i < warmUp + rounds; i += 1) {
    const given = next();
    const began = performance.now();
    const found = await work(given);
    times.push((performance.now() - began) * 1_000);
    assertAdmits(found);
  }
  return times.slice(warmUp);
}

/** What is refused early is quick, and says nothing. */
function assertAdmits(found: unknown): void {
  const { refusal } = (found ?? {}) as { readonly refusal?: { readonly code: string } };
  if (refusal) throw new Error(`What is measured was refused: ${refusal.code}`);
}
