import {
  ClientSecretBasic,
  ClientSecretPost,
  discoveryRequest,
  None,
  processDiscoveryResponse,
  type AuthorizationServer,
  type Client,
  type ClientAuth,
  type TokenEndpointResponse,
} from 'oauth4webapi';
import { CountersignError } from '../../errors.ts';
import type { LoginConfig } from '../config/acting-schema.ts';
import { oauthFailure, oauthHttp } from '../oauth/oauth-http.ts';
import type { LoginTokens } from './login-file.ts';
import { tokenEnd } from './token-end.ts';

/** An issuer that people log in at, and who we are to it. */
export interface Issuer {
  readonly server: AuthorizationServer;
  readonly client: Client;
  readonly authentication: ClientAuth;
  readonly http: ReturnType<typeof oauthHttp>;
  /** What each request for a token says of whom it is to be for. */
  readonly target: Readonly<Record<string, string>>;
}

export interface LoginPlace {
  readonly config: LoginConfig;
  /** Whom tokens are to be for (RFC 8707); undefined when the issuer is not asked for anybody in particular. */
  readonly resource?: string | undefined;
  readonly fetch: typeof fetch;
}

/**
 * Asks the issuer where its endpoints are (OpenID Connect Discovery 1.0, else RFC 8414).
 *
 * @throws CountersignError `LOGIN_FAILED`
 */
export async function openIssuer({ config, resource, fetch }: LoginPlace): Promise<Issuer> {
  const http = oauthHttp(fetch, 'LOGIN_FAILED');
  const server = await discover(config.issuer, http);
  const methods = server.token_endpoint_auth_methods_supported ?? ['client_secret_basic'];
  const { clientId, clientSecret, audience } = config;
  const withSecret = methods.includes('client_secret_basic') ? ClientSecretBasic : ClientSecretPost;
  return {
    server,
    client: { client_id: clientId },
    authentication: clientSecret === undefined ? None() : withSecret(clientSecret),
    http,
    target: { ...(resource !== undefined && { resource }), ...(audience !== undefined && { audience }) },
  };
}

async function discover(issuer: string, http: Issuer['http']): Promise<AuthorizationServer> {
  const place = new URL(issuer);
  let server: AuthorizationServer;
  try {
    const told = await discoveryRequest(place, http);
    const response =
      told.status === 404 ? await discoveryRequest(place, { ...http, algorithm: 'oauth2' }) : told;
    server = await processDiscoveryResponse(place, response);
  } catch (error) {
    throw oauthFailure(error, 'LOGIN_FAILED');
  }
  if (server.issuer === issuer) return server;
  throw new CountersignError(
    'LOGIN_FAILED',
    'The issuer’s metadata is of another issuer: write login.issuer as the issuer does.',
  );
}

/** What of a token endpoint's answer is kept. Where it gives no new refresh token, the one before stays good (RFC 6749 §6). */
export function tokensOf(answer: TokenEndpointResponse, now: number, former?: string): LoginTokens {
  const { access_token: access, refresh_token: refresh = former, token_type: type } = answer;
  if (type !== 'bearer')
    throw new CountersignError(
      'LOGIN_FAILED',
      'The issuer gave a token that is bound to a key; we have none.',
    );
  const ends = [
    tokenEnd(access),
    answer.expires_in === undefined ? undefined : now + answer.expires_in * 1_000,
  ];
  const expiresAt = Math.min(...ends.filter((end) => end !== undefined));
  if (expiresAt === Infinity)
    throw new CountersignError('LOGIN_FAILED', 'The issuer gave a token that does not say when it ends.');
  return { access, ...(refresh !== undefined && { refresh }), obtainedAt: now, expiresAt };
}
