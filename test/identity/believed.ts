/** A home with one key, and everybody who is believed beside it: real issuers, authorities and proofs. */
import { createHash } from 'node:crypto';
import { calculateJwkThumbprint, exportJWK, generateKeyPair, SignJWT, type CryptoKey, type JWK } from 'jose';
import { agentPresets } from '../../src/identity/tokens/agent-presets.ts';
import type { ApiKeyRecord } from '../../src/identity/api-key.ts';
import { createCertificateVerifier } from '../../src/identity/possession/certificate.ts';
import { createProofVerifier } from '../../src/identity/possession/dpop.ts';
import type { Evidence } from '../../src/identity/evidence.ts';
import { issuerPresets } from '../../src/identity/tokens/issuer-presets.ts';
import { createNetworkMap } from '../../src/identity/network.ts';
import type { Credentials, DpopProof, Peer, Principal } from '../../src/identity/principal.ts';
import { agentReader, svidReader } from '../../src/identity/tokens/read-agent.ts';
import { deviceReader, humanReader } from '../../src/identity/tokens/read-claims.ts';
import { createTokenVerifier } from '../../src/identity/tokens/token-verifier.ts';
import { apiKey, authenticatorOfOneKey } from './one-key.ts';
import { clientExtensions, make, makeRoot, uris, type Made } from './possession/certificates.ts';
import {
  audience,
  goodClaims,
  issuerName,
  keysOf,
  now,
  seconds,
  sign,
  testIssuer,
  testKey,
  type Claims,
  type TestKey,
} from './tokens/tokens.ts';

export const trustDomain = 'plant.test';
export const planner = `spiffe://${trustDomain}/agent/planner`;
export const buyer = `spiffe://${trustDomain}/agent/buyer`;
export const mdm = 'https://mdm.test';
export const url = `${audience}/actions/refund`;
export const posture = {
  iss: mdm,
  sub: 'urn:device:7',
  aud: audience,
  iat: seconds,
  exp: seconds + 300,
  trust: 'managed',
};
export const ofProgram = { ...goodClaims, sub: 'planner-app', client_id: 'planner-app' };
export const svid = { sub: planner, aud: audience, exp: seconds + 120 };

export let people: TestKey;
export let programs: TestKey;
export let workloads: TestKey;
export let mdmKey: TestKey;
export let holder: { readonly privateKey: CryptoKey; readonly jwk: JWK; readonly jkt: string };
export let certified: Readonly<Record<'planner' | 'buyer' | 'device' | 'stranger' | 'foreign', Made>>;
let evidence: Evidence;

/** Makes everybody who is believed, once for a file of tests. */
export async function setUp(): Promise<void> {
  [people, programs, workloads, mdmKey] = await Promise.all([
    testKey('people'),
    testKey('programs'),
    testKey('workloads'),
    testKey('mdm'),
  ]);
  const pair = await generateKeyPair('ES256', { extractable: true });
  const jwk = await exportJWK(pair.publicKey);
  holder = { privateKey: pair.privateKey, jwk, jkt: await calculateJwkThumbprint(jwk) };

  const span = { from: now - 3_600_000, until: now + 60_000 };
  const [agents, devices, acme] = await Promise.all(
    ['agents', 'devices', 'acme'].map((name) =>
      makeRoot({ name: `CN=${name}`, from: now - 86_400_000, until: now + 86_400_000 }),
    ),
  );
  if (!agents || !devices || !acme) throw new Error('no authorities');
  const leaf = (by: Made | undefined, uri: string) =>
    make({ ...span, ...(by && { by }), extensions: [...clientExtensions, uris(uri)] });
  certified = {
    planner: await leaf(agents, planner),
    buyer: await leaf(agents, buyer),
    device: await leaf(devices, 'urn:device:7'),
    stranger: await leaf(undefined, planner),
    foreign: await leaf(acme, 'spiffe://acme.test/agent/planner'),
  };

  const proofs = createProofVerifier();
  const tenancy = { tenant: 'default' };
  evidence = {
    certificates: createCertificateVerifier({
      agents: [
        { roots: [agents.der], trustDomain },
        { roots: [acme.der], trustDomain: 'acme.test', tenant: 'acme' },
      ],
      devices: [{ roots: [devices.der], tenant: 'default', trust: 'certified', id: 'uri' }],
    }),
    agents: createTokenVerifier({
      holder: 'AGENT',
      version: '1',
      proofs,
      issuers: [
        {
          ...testIssuer(keysOf(programs)),
          read: agentReader(
            {
              issuer: issuerName,
              preset: agentPresets.generic,
              agents: new Map([
                ['planner-app', 'planner'],
                ['buyer-app', 'buyer'],
              ]),
            },
            tenancy,
          ),
        },
        {
          ...testIssuer(keysOf(workloads)),
          issuer: `spiffe://${trustDomain}`,
          trustDomain,
          mayOmitIssuedAt: true,
          types: agentPresets.spiffe.types,
          read: svidReader(trustDomain, tenancy),
        },
      ],
    }),
    humans: createTokenVerifier({
      holder: 'HUMAN',
      version: '1',
      proofs,
      issuers: [
        testIssuer(keysOf(people), {
          read: humanReader(issuerName, issuerPresets.generic, tenancy, {
            actors: new Map([['planner-app', 'planner']]),
            audiences: [audience],
          }),
        }),
      ],
    }),
    devices: createTokenVerifier({
      holder: 'DEVICE',
      version: '1',
      issuers: [
        { ...testIssuer(keysOf(mdmKey)), issuer: mdm, read: deviceReader({ trust: '/trust' }, tenancy) },
      ],
    }),
    network: createNetworkMap({ zones: new Map(), trustedProxies: ['192.0.2.1'] }),
  };
}

export async function authenticate(
  credentials: Omit<Credentials, 'apiKey'>,
  changes: Partial<ApiKeyRecord> = {},
  believed = evidence,
): Promise<Principal> {
  return await authenticatorOfOneKey(believed, changes).authenticate({ apiKey, ...credentials }, now);
}

export const several = { agents: ['planner', 'buyer', 'spiffe://acme.test/agent/planner'] };
export const over = (made: Made): Peer => ({ address: '10.0.0.1', certificate: made.der, chain: [] });
export const thumbprintOf = ({ der }: Made): string => createHash('sha256').update(der).digest('base64url');
export const svidOf = (claims: Claims = svid) => sign(workloads, claims, { typ: 'JWT' });

let jti = 0;
export async function proofFor(token: string, changes: Claims = {}): Promise<DpopProof> {
  const ath = createHash('sha256').update(token).digest('base64url');
  const jwt = await new SignJWT({ htm: 'POST', htu: url, iat: seconds, jti: `p${jti++}`, ath, ...changes })
    .setProtectedHeader({ alg: 'ES256', typ: 'dpop+jwt', jwk: holder.jwk })
    .sign(holder.privateKey);
  return { jwt, method: 'POST', url };
}
