import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { calculateJwkThumbprint, exportJWK, generateKeyPair, SignJWT } from 'jose';
import { createApiKey } from '../../src/runtime/home/api-keys.ts';
import { loadTrust } from '../../src/verify/trust.ts';
import { verifyInputs } from '../../src/verify/verify.ts';
import { serveConfig } from './served-config.ts';

/** What the provider's tokens are for. */
export const audience = 'https://gate.test';

export interface Listening extends AsyncDisposable {
  readonly url: string;
}

export async function listen(answer: (response: ServerResponse) => void): Promise<Listening> {
  const server = createServer((request, response) => {
    request.resume().on('end', () => answer(response));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

export interface ProviderGate extends AsyncDisposable {
  readonly keysUrl: KeysUrl;
  /** Where its action is. */
  readonly url: string;
  /** The agent of this name. */
  readonly agent: (name: string) => string;
  readonly call: (token: string, more?: CallOptions) => Promise<Answered>;
  /** What the verdict of an answer says, for whoever has the trust root and nothing else of ours. */
  readonly stated: (answered: Answered) => Promise<Stated>;
}

/** All but the first have the provider's genuine keys in them, so that nothing but their form can make them count for nothing. */
export const misbehaviours = {
  'does not answer': () => undefined,
  'answers 500': (response: ServerResponse, keys: string) => response.writeHead(500).end(keys),
  'sends 300 KB': (response: ServerResponse, keys: string) => response.end(keys + ' '.repeat(300_000)),
  'redirects to its keys': (response: ServerResponse, _: string, issuer: string) =>
    response.writeHead(302, { location: `${issuer}/jwks` }).end(),
};
export type Misbehaviour = keyof typeof misbehaviours;

/** The provider's keys, at a URL that counts who asks for them. A dead provider breaks its connections. */
interface KeysUrl extends Listening {
  readonly asked: () => number;
  /** So many asked at one time, at most. */
  readonly atOnce: () => number;
  /** How they are answered from now on; as they should without a word. */
  readonly behave: (how?: Misbehaviour) => void;
}

async function startKeysUrl(issuer: string): Promise<KeysUrl> {
  const [count, state] = [{ asked: 0, now: 0, most: 0 }, { how: undefined as Misbehaviour | undefined }];
  const answer = async (response: ServerResponse): Promise<void> => {
    try {
      const keys = await (await fetch(`${issuer}/jwks`)).text();
      if (state.how === undefined) response.end(keys);
      else misbehaviours[state.how](response, keys, issuer);
    } catch {
      response.destroy();
    }
  };
  const listening = await listen((response) => {
    count.asked += 1;
    count.now += 1;
    count.most = Math.max(count.most, count.now);
    response.on('close', () => (count.now -= 1));
    void answer(response);
  });
  return {
    ...listening,
    asked: () => count.asked,
    atOnce: () => count.most,
    behave: (how) => (state.how = how),
  };
}

/**
 * A gateway that knows the provider by that URL, and nothing of it yet. Its one action, which asks `machine`, is allowed for whoever is
 * an operator.
 */
export async function startProviderGate(issuer: string, machine: string): Promise<ProviderGate> {
  const keysUrl = await startKeysUrl(issuer);
  const action = `{ parameters: { type: object }, request: { url: "${machine}" } }`;
  const served = await serveConfig({
    configuration: (url) => `version: 1
publicUrl: ${url}
policies: [policy.yaml]
identity:
  audience: ${audience}
  humans:
    - issuer: ${issuer}
      keys: { url: "${keysUrl.url}" }
      algorithms: [ES256]
      actors: { planner: planner, gate: courier }
actions:
  move: ${action}
`,
    policy: `version: 1
name: plant
rules: [{ id: operators, effect: allow, tools: ['actions/*'], when: '"ot.operator" in human.roles' }]
`,
  });
  const { home } = served;
  const keyFor = async (agent: string): Promise<string> =>
    (await createApiKey(home, { tenant: 'default', agents: [agent] })).apiKey;
  const keys = { planner: await keyFor('planner'), courier: await keyFor('courier') };
  const url = `${served.url}/actions/move`;
  return {
    keysUrl,
    url,
    agent: (name) => `spiffe://${home.config.trustDomain}/agent/${name}`,
    call: (token, more = {}) =>
      ask(url, { 'countersign-key': keys[more.by ?? 'planner'], ...carried(token, more.proof) }),
    stated: (answered) => verdictIn(answered, home.layout.trustedRoot),
    async [Symbol.asyncDispose]() {
      await served[Symbol.asyncDispose]();
      await keysUrl[Symbol.asyncDispose]();
    },
  };
}
interface CallOptions {
  /** Whose API key it is that calls. */
  readonly by?: 'planner' | 'courier';
  readonly proof?: string;
}

export interface Answered {
  /** Of the denial; undefined for a call that ran. */
  readonly code: string | undefined;
  readonly text: string;
  readonly headers: Headers;
  readonly tookMs: number;
}

export interface Stated {
  readonly verdict: string;
  readonly reason: { readonly code: string };
  readonly principal: {
    readonly agent: { readonly id: string };
    readonly human?: { readonly subject: string };
  };
}

const denial = 'dev.countersign/denial';
const envelope = 'dev.countersign/envelope';
interface Meta {
  readonly [denial]?: { readonly code: string };
  readonly [envelope]?: { readonly verdict: { readonly dsseEnvelope: { readonly payload: string } } };
}

/** As RFC 6750 has it, or with a proof RFC 9449. */
const carried = (token: string, proof?: string): Record<string, string> =>
  proof === undefined
    ? { authorization: `Bearer ${token}` }
    : { authorization: `DPoP ${token}`, dpop: proof };

async function ask(url: string, headers: Record<string, string>): Promise<Answered> {
  const begun = performance.now();
  const response = await fetch(url, {
    method: 'POST',
    body: '{}',
    headers: { 'content-type': 'application/json', ...headers },
  });
  const text = await response.text();
  const { _meta: meta } = JSON.parse(text) as { _meta?: Meta };
  if (meta?.[envelope] === undefined) throw new Error(`Nothing was signed (${response.status}): ${text}`);
  return { code: meta[denial]?.code, text, headers: response.headers, tookMs: performance.now() - begun };
}

async function verdictIn({ code, text }: Answered, trustedRoot: string): Promise<Stated> {
  const trust = await loadTrust(Uint8Array.from(readFileSync(trustedRoot)));
  const bytes = new TextEncoder().encode(text);
  const expected = code === undefined ? 'executed' : 'deny';
  const report = await verifyInputs([{ name: 'answer', bytes }], trust, { expect: expected });
  if (!report.ok) throw new Error(`The answer does not verify: ${JSON.stringify(report)} ${text}`);
  const { _meta: meta } = JSON.parse(text) as { _meta: Required<Meta> };
  const { payload } = meta[envelope].verdict.dsseEnvelope;
  return (JSON.parse(Buffer.from(payload, 'base64').toString()) as { predicate: Stated }).predicate;
}

export const keyNamedBy = (token: string): unknown =>
  (JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString()) as { kid: unknown }).kid;

/** A pair of keys for proofs of possession (RFC 9449), and how they are made. */
export async function prover() {
  const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true });
  const jwk = await exportJWK(publicKey);
  const prove = (url: string, token?: string, more: object = {}): Promise<string> => {
    const ath = token && createHash('sha256').update(token).digest('base64url');
    const iat = Math.floor(Date.now() / 1_000);
    const claims = { htm: 'POST', htu: url, jti: crypto.randomUUID(), iat, ...(ath && { ath }), ...more };
    return new SignJWT(claims).setProtectedHeader({ typ: 'dpop+jwt', alg: 'ES256', jwk }).sign(privateKey);
  };
  return { thumbprint: await calculateJwkThumbprint(jwk), prove };
}
