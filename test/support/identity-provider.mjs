/**
 * An OpenID Connect provider in a process of its own: oidc-provider, with everything on that acting for a person needs. Tests
 * start it with `startIdentityProvider` of identity-provider.ts, which also is the person at its pages. By hand:
 *
 *   node test/support/identity-provider.mjs '{"port": 9000}'      prints its issuer once it listens
 *
 * - Grants: authorization code with PKCE, device authorization (RFC 8628; asked again every second), refresh with rotation (a refresh
 *   token that is used twice ends all that came of the login), client credentials, token exchange (RFC 8693). Revocation (RFC 7009).
 * - Any `resource` (RFC 8707) is a resource server: its access tokens are JWTs (`typ` at+jwt, ES256) with that `aud`, for scope
 *   `call`. A request with a DPoP proof (RFC 9449) gets a token with `cnf.jkt`.
 * - Clients: `countersign` (public; device and refresh), `maintenance-agent` (public; code and refresh, redirects to
 *   http://127.0.0.1/callback), `gate` (secret `gate-secret`; token exchange), `planner` (secret `planner-secret`; client
 *   credentials and token exchange). Further ones in the option `clients`, in the words of RFC 7591.
 * - People: `ada` (roles ot.operator) and `ben` (roles accounting), with any password; the option `people` is name → claims of the
 *   access token, `authorization_details` (RFC 9396) included.
 * - Exchange: the subject token is one of this provider's own access tokens; the new one is for the same person, and for `resource` or
 *   `audience`. Its `act` is who asks, or of whom `actor_token` is; an `act` of the subject token is inside it. It ends no later.
 * - POST /control/… steers it while it runs, with a JSON body:
 *     keys {}                 a new signing key; the old one stays published. {"only": true} takes the old ones away
 *     lifetime {"seconds": 5} of access tokens from now on (600)
 *     behave {"status": 503}  what the token endpoint answers from now on; {"error": "slow_down"} with that; {"hang": true} never;
 *                             {"delayMs": 300} late; {} as it should
 *   GET /control/tokens       what was asked of the token endpoint and came of it, oldest first: [{"grant", "params", "status"}]
 *   SIGUSR2                   the same as keys {}
 */
import { createHash, createPublicKey, generateKeyPairSync, verify } from 'node:crypto';
import { createServer } from 'node:http';
import { text } from 'node:stream/consumers';
import * as oidc from 'oidc-provider';

const { port = 0, clients = [], people = {} } = JSON.parse(process.argv[2] ?? '{}');

const exchangeGrant = 'urn:ietf:params:oauth:grant-type:token-exchange';
const accessTokenType = 'urn:ietf:params:oauth:token-type:access_token';
const deviceGrant = 'urn:ietf:params:oauth:grant-type:device_code';

const claimsOf = new Map(
  Object.entries({ ada: { roles: ['ot.operator'] }, ben: { roles: ['accounting'] }, ...people }),
);

const usual = { id_token_signed_response_alg: 'ES256', response_types: [], redirect_uris: [] };
const ownClients = [
  {
    ...usual,
    client_id: 'countersign',
    token_endpoint_auth_method: 'none',
    application_type: 'native',
    grant_types: [deviceGrant, 'refresh_token'],
  },
  {
    ...usual,
    client_id: 'maintenance-agent',
    token_endpoint_auth_method: 'none',
    application_type: 'native',
    response_types: ['code'],
    redirect_uris: ['http://127.0.0.1/callback'],
    grant_types: ['authorization_code', 'refresh_token'],
  },
  { ...usual, client_id: 'gate', client_secret: 'gate-secret', grant_types: [exchangeGrant] },
  {
    ...usual,
    client_id: 'planner',
    client_secret: 'planner-secret',
    grant_types: ['client_credentials', exchangeGrant],
  },
];

let signingKeys = [newKey()];
let lifetime = 600;
let behaviour = {};
const asked = [];
/** What an exchange adds to its token, until that is made. */
const added = new WeakMap();

function newKey() {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const jwk = privateKey.export({ format: 'jwk' });
  const kid = createHash('sha256').update(jwk.x).digest('base64url').slice(0, 8);
  return { ...jwk, kid, alg: 'ES256', use: 'sig' };
}

/** What the provider keeps: here, as each change of keys makes another one. */
const kept = new Map();

class Kept {
  constructor(model) {
    this.model = model;
  }
  all = () => [...kept].filter(([key]) => key.startsWith(`${this.model}:`)).map(([, each]) => each);
  upsert = async (id, payload) => void kept.set(`${this.model}:${id}`, payload);
  find = async (id) => kept.get(`${this.model}:${id}`);
  findByUid = async (uid) => this.all().find((each) => each.uid === uid);
  findByUserCode = async (userCode) => this.all().find((each) => each.userCode === userCode);
  consume = async (id) => void (kept.get(`${this.model}:${id}`).consumed = Math.floor(Date.now() / 1_000));
  destroy = async (id) => void kept.delete(`${this.model}:${id}`);
  async revokeByGrantId(grantId) {
    for (const [key, each] of kept) if (each.grantId === grantId) kept.delete(key);
  }
}

/** The claims of an access token of ours, by any key that is still published; undefined when it is none, or has ended. */
function claimsIn(token) {
  const [header = '', payload = '', signature = ''] = token.split('.');
  const read = (part) => JSON.parse(Buffer.from(part, 'base64url').toString());
  try {
    const key = signingKeys.find(({ kid }) => kid === read(header).kid);
    const isGenuine = verify(
      'sha256',
      Buffer.from(`${header}.${payload}`),
      { key: createPublicKey({ key, format: 'jwk' }), dsaEncoding: 'ieee-p1363' },
      Buffer.from(signature, 'base64url'),
    );
    const claims = read(payload);
    return isGenuine && claims.exp > Date.now() / 1_000 ? claims : undefined;
  } catch {
    return undefined;
  }
}

function newProvider(issuer) {
  const provider = new oidc.Provider(issuer, {
    jwks: { keys: signingKeys },
    adapter: Kept,
    cookies: { keys: ['a test has no secret to keep'] },
    clients: [...ownClients, ...clients],
    scopes: ['openid', 'offline_access'],
    findAccount: (_, accountId) => ({ accountId, claims: () => ({ sub: accountId }) }),
    extraTokenClaims: (_, token) => ({
      ...(token.accountId && { roles: [], ...claimsOf.get(token.accountId) }),
      ...(token.authTime && { auth_time: token.authTime }),
      ...(token.sessionUid && { sid: token.sessionUid }),
      ...added.get(token),
    }),
    formats: {
      customizers: {
        jwt(_, token, { payload }) {
          payload.authorization_details ??= claimsOf.get(token.accountId)?.authorization_details;
        },
      },
    },
    rotateRefreshToken: true,
    issueRefreshToken: (_, client, code) =>
      client.grantTypeAllowed('refresh_token') && code.scopes.has('offline_access'),
    ttl: {
      Grant: 86_400,
      RefreshToken: 86_400,
      Session: 86_400,
      Interaction: 600,
      DeviceCode: 600,
      IdToken: 600,
    },
    features: {
      devInteractions: { enabled: true },
      deviceFlow: { enabled: true },
      revocation: { enabled: true },
      clientCredentials: { enabled: true },
      dPoP: { enabled: true },
      resourceIndicators: {
        enabled: true,
        useGrantedResource: () => true,
        getResourceServerInfo: (_, resource) => ({
          scope: 'call',
          audience: resource,
          accessTokenFormat: 'jwt',
          accessTokenTTL: lifetime,
          jwt: { sign: { alg: 'ES256' } },
        }),
      },
    },
  });
  provider.use(async (ctx, next) => {
    await next();
    if (ctx.oidc?.route === 'device_authorization' && ctx.status === 200) ctx.body.interval = 1;
  });
  provider.registerGrantType(exchangeGrant, exchange(provider), [
    'subject_token',
    'subject_token_type',
    'requested_token_type',
    'actor_token',
    'actor_token_type',
    'audience',
    'resource',
    'scope',
  ]);
  return provider;
}

/** @see https://www.rfc-editor.org/rfc/rfc8693 */
function exchange(provider) {
  return async (...given) => {
    const ctx = given.find((each) => each?.oidc?.params !== undefined);
    const { params, client } = ctx.oidc;
    const subject = claimsIn(params.subject_token ?? '');
    if (params.subject_token_type !== accessTokenType || subject === undefined)
      throw new oidc.errors.InvalidGrant('the subject token is no access token of this provider');
    const actor = params.actor_token === undefined ? { sub: client.clientId } : claimsIn(params.actor_token);
    if (actor === undefined) throw new oidc.errors.InvalidGrant('the actor token is none of this provider');
    const target = params.resource ?? params.audience;
    if (typeof target !== 'string') throw new oidc.errors.InvalidTarget('say one resource, or one audience');
    const token = new provider.AccessToken({
      client,
      accountId: subject.sub,
      scope: params.scope ?? 'call',
      gty: exchangeGrant,
    });
    token.resourceServer = new provider.ResourceServer(target, {
      scope: 'call',
      audience: target,
      accessTokenFormat: 'jwt',
      accessTokenTTL: Math.min(lifetime, Math.floor(subject.exp - Date.now() / 1_000)),
      jwt: { sign: { alg: 'ES256' } },
    });
    added.set(token, { act: { sub: actor.sub, ...(subject.act && { act: subject.act }) } });
    const value = await token.save();
    ctx.body = {
      access_token: value,
      issued_token_type: accessTokenType,
      token_type: 'Bearer',
      expires_in: token.expiration,
      scope: token.scope,
    };
  };
}

const control = {
  keys({ only = false }) {
    signingKeys = only ? [newKey()] : [newKey(), ...signingKeys];
    handle = newProvider(issuer).callback();
  },
  lifetime({ seconds }) {
    lifetime = seconds;
  },
  behave(how) {
    behaviour = how;
  },
};

async function steer(request, response) {
  const name = request.url.slice('/control/'.length);
  if (request.method === 'POST') control[name](JSON.parse((await text(request)) || '{}'));
  response.end(JSON.stringify(name === 'tokens' ? asked : {}));
}

/** The token endpoint, as it was told to behave. What was asked of it is remembered. */
async function token(request, response) {
  const params = Object.fromEntries(new URLSearchParams(await text(request)));
  const entry = { grant: params.grant_type, params, status: 0 };
  asked.push(entry);
  response.on('finish', () => (entry.status = response.statusCode));
  const { hang, error, status = error && 400, delayMs = 0 } = behaviour;
  if (hang) return;
  await new Promise((resolve) => setTimeout(resolve, delayMs));
  if (status !== undefined) {
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify({ error }));
    return;
  }
  // The provider takes a body that was parsed already.
  request.body = params;
  handle(request, response);
}

let issuer = '';
let handle = () => undefined;
const server = createServer((request, response) => {
  if (request.url.startsWith('/control/')) void steer(request, response);
  else if (request.url === '/token') void token(request, response);
  else handle(request, response);
});
process.on('SIGUSR2', () => control.keys({}));
server.listen(port, '127.0.0.1', () => {
  issuer = `http://127.0.0.1:${server.address().port}`;
  handle = newProvider(issuer).callback();
  console.log(issuer);
});
