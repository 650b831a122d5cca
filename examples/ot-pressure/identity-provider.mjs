/**
 * An OpenID Connect provider in a process of its own: who works at the plant, and in which roles. It prints its issuer once it
 * listens. People log in here as they would anywhere: authorization code, PKCE, a page for the name, a page for the consent.
 */
import { generateKeyPairSync } from 'node:crypto';
import { createServer } from 'node:http';
import * as oidc from 'oidc-provider';

const [gateway, redirectUri] = process.argv.slice(2);

const roles = new Map([
  ['ada', ['ot.operator']],
  ['ben', ['accounting']],
]);

const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });

const server = createServer();
server.listen(0, '127.0.0.1', () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const provider = new oidc.Provider(issuer, {
    jwks: { keys: [{ ...privateKey.export({ format: 'jwk' }), kid: 'plant-1', alg: 'ES256', use: 'sig' }] },
    cookies: { keys: ['a demo has no secret to keep'] },
    clients: [
      {
        client_id: 'maintenance-agent',
        redirect_uris: [redirectUri],
        token_endpoint_auth_method: 'none',
        application_type: 'native',
        id_token_signed_response_alg: 'ES256',
      },
    ],
    findAccount: (_, accountId) => ({ accountId, claims: () => ({ sub: accountId }) }),
    extraTokenClaims: (_, { accountId }) => ({ roles: roles.get(accountId) ?? [] }),
    features: {
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo: () => ({
          scope: 'call',
          audience: gateway,
          accessTokenFormat: 'jwt',
          accessTokenTTL: 600,
          jwt: { sign: { alg: 'ES256' } },
        }),
      },
    },
  });
  server.on('request', provider.callback());
  console.log(issuer);
});
