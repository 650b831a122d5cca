import { createHash } from 'node:crypto';
import { calculateJwkThumbprint, exportJWK, generateKeyPair, SignJWT, type CryptoKey, type JWK } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { revokeInHome } from '../../../src/runtime/revoke.ts';
import { page } from '../../docs/pages.ts';
import { jwksOf, sign, testKey, type TestKey } from '../../identity/tokens/tokens.ts';
import { audience, proxy, startPlant, type Answered, type Attempt, type Plant } from './plant.ts';

/**
 * What somebody tries who has a genuine API key, and what comes of it: each is denied in a statement that verifies and names the reason,
 * and the machine does not move. The table of docs/attacks.md is this one.
 */

let plant: Plant;
let mdm: TestKey;
/** The key of whoever attacks: they are their own issuer, device manager and person. */
let attacker: TestKey;
let ada: string;

beforeAll(async () => {
  [mdm, attacker] = [await testKey('mdm'), await testKey('attacker')];
  plant = await startPlant(jwksOf(mdm));
  ada = await plant.provider.login('ada', audience);
}, 60_000);

afterAll(() => plant[Symbol.asyncDispose]());

const seconds = (): number => Math.floor(Date.now() / 1_000);
const times = () => ({ iat: seconds() - 10, exp: seconds() + 300, aud: audience });

/** A token with the header that its holder needs, under the key of that name. */
const human = (token: string): Record<string, string> => ({ 'countersign-human-token': token });

interface Attack {
  readonly title: string;
  readonly code: string;
  readonly attempt: () => Promise<Omit<Attempt, 'key'> & { readonly key?: string }>;
}

/** A pair of keys for proofs of possession, and how they are made. */
async function prover() {
  const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true });
  const jwk = await exportJWK(publicKey);
  return {
    thumbprint: await calculateJwkThumbprint(jwk),
    prove: (of: {
      readonly method: string;
      readonly url: string;
      readonly token?: string;
      readonly jti?: string;
    }) => dpop(privateKey, jwk, of),
  };
}

function dpop(
  key: CryptoKey,
  jwk: JWK,
  {
    method,
    url,
    token,
    jti = crypto.randomUUID(),
  }: { method: string; url: string; token?: string; jti?: string },
): Promise<string> {
  const ath = token && createHash('sha256').update(token).digest('base64url');
  return new SignJWT({ htm: method, htu: url, jti, iat: seconds(), ...(ath && { ath }) })
    .setProtectedHeader({ typ: 'dpop+jwt', alg: 'ES256', jwk })
    .sign(key);
}

/** Ada's token, bound to a key of hers. */
async function boundToken() {
  const own = await prover();
  const asked = await own.prove({ method: 'POST', url: `${plant.provider.issuer}/token` });
  return { own, token: await plant.provider.login('ada', audience, asked) };
}

const exchanged = (client: string, secret: string): Promise<string> =>
  plant.provider.token(client, secret, {
    grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
    subject_token: ada,
    subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
    resource: audience,
  });

const ofPoisoned = async (): Promise<string> =>
  sign(attacker, { ...times(), iss: plant.poisoned.issuer, sub: 'ada' });

const attacks: readonly Attack[] = [
  {
    title: 'A stolen API key, used from another network',
    code: 'KEY_NETWORK_REFUSED',
    attempt: async () => ({ key: plant.keys.abroad, headers: human(ada) }),
  },
  {
    title: 'A stolen API key, and an address of the plant written into X-Forwarded-For',
    code: 'KEY_NETWORK_REFUSED',
    attempt: async () => ({
      key: plant.keys.abroad,
      headers: { ...human(ada), 'x-forwarded-for': '10.20.0.7' },
    }),
  },
  {
    title: 'The same behind a trusted proxy, which adds where it comes from',
    code: 'KEY_NETWORK_REFUSED',
    attempt: async () => ({
      key: plant.keys.abroad,
      from: proxy,
      headers: { ...human(ada), 'x-forwarded-for': '10.20.0.7, 203.0.113.9' },
    }),
  },
  {
    title: 'A stolen API key of several agents, with no proof of being one',
    code: 'AGENT_PROOF_MISSING',
    attempt: async () => ({ key: plant.keys.several, headers: human(ada) }),
  },
  {
    title: 'A stolen API key, for a tool that it is not for',
    code: 'KEY_TOOL_REFUSED',
    attempt: async () => ({ key: plant.keys.reader, headers: human(ada) }),
  },
  {
    title: 'A replayed token: bound to its owner’s key, without a proof',
    code: 'HUMAN_TOKEN_UNBOUND',
    attempt: async () => ({ headers: human((await boundToken()).token) }),
  },
  {
    title: 'A replayed token, with a proof by the thief’s own key',
    code: 'HUMAN_TOKEN_PROOF_INVALID',
    attempt: async () => {
      const { token } = await boundToken();
      const proof = await (await prover()).prove({ method: 'POST', url: plant.url('move'), token });
      return { headers: { ...human(token), dpop: proof } };
    },
  },
  {
    title: 'A replayed token with its proof, a second time',
    code: 'HUMAN_TOKEN_PROOF_REPLAYED',
    attempt: async () => {
      const { own, token } = await boundToken();
      const proof = await own.prove({ method: 'POST', url: plant.url('status'), token });
      const headers = { ...human(token), dpop: proof };
      expect((await plant.ask({ key: plant.keys.planner, action: 'status', headers })).code).toBeUndefined();
      return { action: 'status', headers };
    },
  },
  {
    title: 'A proof that was made for another request',
    code: 'HUMAN_TOKEN_PROOF_INVALID',
    attempt: async () => {
      const { own, token } = await boundToken();
      const proof = await own.prove({ method: 'POST', url: plant.url('status'), token });
      return { headers: { ...human(token), dpop: proof } };
    },
  },
  {
    title: 'Another agent’s certificate',
    code: 'AGENT_REFUSED',
    attempt: async () => ({ headers: human(ada), certificate: await plant.agent('painter') }),
  },
  {
    title: 'Another agent’s certificate beside the agent’s own token',
    code: 'AGENTS_DIFFER',
    attempt: async () => ({
      key: plant.keys.several,
      headers: { ...human(ada), 'countersign-agent-token': await agentToken() },
      certificate: await plant.agent('painter'),
    }),
  },
  {
    title: 'A device’s certificate as an agent’s',
    code: 'NO_RULE_ALLOWS',
    attempt: async () => ({ action: 'proven', certificate: await plant.device('planner') }),
  },
  {
    title: 'A person’s token as the agent’s',
    code: 'AGENT_TOKEN_SUBJECT_REFUSED',
    attempt: async () => ({ headers: { ...human(ada), 'countersign-agent-token': ada } }),
  },
  {
    title: 'An agent’s token as a person’s',
    code: 'HUMAN_TOKEN_SUBJECT_REFUSED',
    attempt: async () => ({ headers: human(await agentToken()) }),
  },
  {
    title: 'A human of another tenant',
    code: 'HUMAN_TENANT_REFUSED',
    attempt: async () => ({ headers: human(await plant.provider.login('eve', audience)) }),
  },
  {
    title: 'An expired delegation',
    code: 'HUMAN_TOKEN_EXPIRED',
    attempt: async () => {
      await plant.provider.control('lifetime', { seconds: 1 });
      const token = await plant.provider.login('ada', audience);
      await plant.provider.control('lifetime', { seconds: 600 });
      await new Promise((resolve) => setTimeout(resolve, 2_000));
      return { headers: human(token) };
    },
  },
  {
    title: 'A forged act: a token of one’s own that says so',
    code: 'HUMAN_TOKEN_SIGNATURE_INVALID',
    attempt: async () => {
      const { kid } = JSON.parse(Buffer.from(ada.split('.')[0] ?? '', 'base64url').toString()) as {
        kid: string;
      };
      const claims = {
        ...times(),
        iss: plant.provider.issuer,
        sub: 'ada',
        org: 'plant',
        act: { sub: 'planner' },
      };
      return { headers: human(await sign(attacker, claims, { kid })) };
    },
  },
  {
    title: 'A genuine act of another agent',
    code: 'ACTOR_REFUSED',
    attempt: async () => ({ headers: human(await exchanged('gate', 'gate-secret')) }),
  },
  {
    title: 'A tool that the person did not delegate',
    code: 'DELEGATION_TOOL_REFUSED',
    attempt: async () => ({ headers: human(await plant.provider.login('carol', audience)) }),
  },
  {
    title: 'A token that was issued for somebody else',
    code: 'HUMAN_TOKEN_AUDIENCE_REFUSED',
    attempt: async () => ({ headers: human(await plant.provider.login('ada', 'https://other.test')) }),
  },
  {
    title: 'A spoofed device header: a posture token of one’s own',
    code: 'DEVICE_TOKEN_SIGNATURE_INVALID',
    attempt: async () => ({
      headers: {
        ...human(ada),
        'countersign-device-token': await sign(
          attacker,
          { ...times(), iss: 'https://mdm.test', sub: 'hmi-4', trust: 'managed' },
          { kid: mdm.id },
        ),
      },
    }),
  },
  {
    title: 'A spoofed device header: a certificate that nobody has shown',
    code: 'DEVICE_MISSING',
    attempt: async () => {
      const { der } = await plant.device('hmi-4');
      return {
        action: 'from-managed',
        headers: { ...human(ada), 'client-cert': `:${Buffer.from(der).toString('base64')}:` },
      };
    },
  },
  {
    title: 'A zone spoofed through X-Forwarded-For',
    code: 'NO_RULE_ALLOWS',
    attempt: async () => ({
      action: 'from-control',
      headers: { ...human(ada), 'x-forwarded-for': '10.20.0.7' },
    }),
  },
  {
    title: 'A poisoned JWKS endpoint: a shared secret among its keys',
    code: 'HUMAN_TOKEN_KEYS_UNAVAILABLE',
    attempt: async () => {
      plant.poisoned.serve({ body: '{"keys":[{"kty":"oct","kid":"attacker","alg":"HS256","k":"AAAA"}]}' });
      return { headers: human(await ofPoisoned()) };
    },
  },
  {
    title: 'A JWKS endpoint that is down',
    code: 'HUMAN_TOKEN_KEYS_UNAVAILABLE',
    attempt: async () => ({
      headers: human(await sign(attacker, { ...times(), iss: 'https://down.test', sub: 'ada' })),
    }),
  },
];

async function agentToken(): Promise<string> {
  const params = { grant_type: 'client_credentials', scope: 'call', resource: audience };
  return plant.provider.token('planner', 'planner-secret', params);
}

/** A person or an agent may bring a token anew; an issuer that is down may come back; the rest is final. */
function statusOf(code: string): number {
  if (code.endsWith('KEYS_UNAVAILABLE')) return 503;
  return /^(?:HUMAN|AGENT)_TOKEN_/.test(code) ? 401 : 403;
}

const ask = (attempt: Omit<Attempt, 'key'> & { readonly key?: string }): Promise<Answered> =>
  plant.ask({ key: plant.keys.planner, ...attempt });

describe('somebody with a genuine API key', () => {
  it('moves the machine for a person who may, as the agent that the key names', async () => {
    const { code, stated } = await ask({ headers: human(ada) });
    expect(code).toBeUndefined();
    expect(stated).toMatchObject({ verdict: 'ALLOW', principal: { human: { subject: 'ada' } } });
    const exchange = await exchanged('planner', 'planner-secret');
    expect((await ask({ headers: human(exchange) })).code).toBeUndefined();
  });

  it.each(attacks)('$title: $code', async ({ code, attempt }) => {
    const request = await attempt();
    const before = plant.moves();
    const answered = await ask(request);
    expect(answered).toMatchObject({ code, stated: { verdict: 'DENY', code } });
    expect(answered.status).toBe(statusOf(code));
    expect(plant.moves()).toBe(before);
  });

  it('comes to what docs/attacks.md says', () => {
    const rows = [...page('docs/attacks.md').matchAll(/^\| (.*?) +\| `([A-Z_]+)` +\|/gm)];
    expect(rows.map(([, title, code]) => ({ title, code }))).toEqual(
      attacks.map(({ title, code }) => ({ title, code })),
    );
  });

  it('loses it, its person and its agent to a revocation at once', async () => {
    for (const [kind, id, code] of [
      ['human', 'ada', 'HUMAN_REVOKED'],
      ['agent', `spiffe://${plant.home.config.trustDomain}/agent/planner`, 'AGENT_REVOKED'],
      ['everything', '', 'EVERYTHING_REVOKED'],
    ] as const) {
      await revokeInHome(plant.home, { kind, id });
      expect((await ask({ headers: human(ada) })).stated).toMatchObject({ verdict: 'DENY', code });
    }
  });
});
