import { processRefreshTokenResponse, refreshTokenGrantRequest } from 'oauth4webapi';
import { CountersignError } from '../../errors.ts';
import { oauthErrorOf, oauthFailure } from '../oauth/oauth-http.ts';
import type { HumanTokenSource } from './human-token.ts';
import { openIssuer, tokensOf, type LoginPlace } from './issuer.ts';
import { draftLogin, loginStamp, readLogin, type Login, type LoginTokens } from './login-file.ts';
import { withLoginLock } from './login-lock.ts';

export interface LoginTokensOptions extends LoginPlace {
  readonly path: string;
  readonly now?: () => number;
}

/** The part of a token's life after which another one is fetched, while this one still counts. */
const refreshAfter = 0.8;
/** How long before its end a token is not handed out any more: it has to arrive, and be looked at. */
const marginMs = 2_000;
const lockWithinMs = 30_000;
const firstRetryMs = 1_000;
const longestRetryMs = 60_000;

/**
 * The access token of the login on record, kept fresh: by one process at a time, as a refresh token may count only once. Gives
 * undefined where nobody has logged in.
 *
 * Rejects with LOGIN_MISSING when the login has ended, LOGIN_FAILED when its token has and no other can be had now.
 */
export function loginTokens(options: LoginTokensOptions): HumanTokenSource {
  const { path, now = Date.now } = options;
  let known: { readonly stamp: string | undefined; readonly login: Login | undefined } | undefined;
  let refreshing: Promise<LoginTokens> | undefined;
  let retryAt = -Infinity;
  let retryMs = firstRetryMs;
  let lastFailure: unknown;

  const current = (): Login | undefined => {
    const stamp = loginStamp(path);
    if (known === undefined || known.stamp !== stamp) known = { stamp, login: readLogin(path) };
    return known.login;
  };
  const refresh = (): Promise<LoginTokens> => {
    refreshing ??= refreshLogin(options)
      .then(
        (tokens) => {
          retryMs = firstRetryMs;
          return tokens;
        },
        (error: unknown) => {
          retryAt = performance.now() + retryMs;
          retryMs = Math.min(retryMs * 2, longestRetryMs);
          lastFailure = error;
          throw error;
        },
      )
      .finally(() => (refreshing = undefined));
    return refreshing;
  };

  return async () => {
    const login = current();
    if (login === undefined) return undefined;
    const tokens = tokensIn(login, options);
    const isGood = now() < tokens.expiresAt - marginMs;
    if (isGood && now() < refreshAt(tokens)) return tokens.access;
    if (tokens.refresh === undefined) {
      if (isGood) return tokens.access;
      throw ended();
    }
    const mayAsk = performance.now() >= retryAt;
    if (isGood) {
      if (mayAsk) refresh().catch(() => undefined);
      return tokens.access;
    }
    if (!mayAsk && refreshing === undefined) throw lastFailure;
    return (await refresh()).access;
  };
}

function refreshAt({ obtainedAt, expiresAt }: LoginTokens): number {
  return obtainedAt + (expiresAt - obtainedAt) * refreshAfter;
}

/** @throws CountersignError `LOGIN_MISSING` when it was taken back, or is not what the configuration asks for. */
function tokensIn(login: Login, { config, resource }: LoginPlace): LoginTokens {
  const isAsked =
    login.issuer === config.issuer && login.clientId === config.clientId && login.resource === resource;
  if (login.tokens === undefined || !isAsked) throw ended();
  return login.tokens;
}

/** Fetches another token, unless another process has done so while this one waited for its turn. */
async function refreshLogin(options: LoginTokensOptions): Promise<LoginTokens> {
  const { path, now = Date.now } = options;
  return withLoginLock(path, lockWithinMs, async () => {
    const login = readLogin(path);
    if (login === undefined) throw ended();
    const tokens = tokensIn(login, options);
    if (now() < refreshAt(tokens) || tokens.refresh === undefined) return tokens;
    // Taken before the issuer is asked: from then on the old refresh token is used up.
    const draft = draftLogin(path);
    try {
      const fresh = await askForFresh(options, tokens.refresh);
      if (fresh === undefined) {
        const { tokens: _, ...taken } = login;
        draft.commit(taken);
        throw ended();
      }
      draft.commit({ ...login, tokens: fresh });
      return fresh;
    } finally {
      draft.discard();
    }
  });
}

/** Undefined when the issuer says that the login is over. */
async function askForFresh(options: LoginTokensOptions, refresh: string): Promise<LoginTokens | undefined> {
  const { now = Date.now } = options;
  const { server, client, authentication, http, target } = await openIssuer(options);
  const askedAt = now();
  try {
    const response = await refreshTokenGrantRequest(server, client, authentication, refresh, {
      ...http,
      additionalParameters: target,
    });
    return tokensOf(await processRefreshTokenResponse(server, client, response), askedAt, refresh);
  } catch (error) {
    if (oauthErrorOf(error) === 'invalid_grant') return undefined;
    throw oauthFailure(error, 'LOGIN_FAILED');
  }
}

function ended(): CountersignError {
  return new CountersignError('LOGIN_MISSING', 'The login has ended. Log in again: countersign login');
}
