import {
  genericTokenEndpointRequest,
  processGenericTokenEndpointResponse,
  type ClientAuth,
  type TokenEndpointResponse,
} from 'oauth4webapi';
import { hex, sha256, utf8 } from '../../call/sha256.ts';
import { CountersignError } from '../../errors.ts';
import type { OnBehalfConfig } from '../config/exchange-schema.ts';
import { oauthErrorOf, oauthHttp } from '../oauth/oauth-http.ts';

/** Tokens of one server for the people that it is asked for. */
export interface TokenExchange {
  /**
   * The header `Authorization` for this person: a token that was issued for their token, and is never that.
   *
   * @param humanToken Verified by now: whatever comes here is sent to the issuer.
   * @param until Wall milliseconds at which what the person gave ends.
   * @throws CountersignError `UPSTREAM_TOKEN_REFUSED`
   */
  authorization(humanToken: string, until: number): Promise<string>;
  /** The server takes this header for no good. */
  forget(authorization: string): void;
}

export interface TokenExchangeOptions {
  readonly config: OnBehalfConfig;
  /** Asked for with the first exchange, and kept. */
  readonly authentication: () => Promise<ClientAuth>;
  readonly fetch: typeof fetch;
  readonly now?: () => number;
  /** People whose tokens are kept. */
  readonly maxKept?: number;
}

const grant = 'urn:ietf:params:oauth:grant-type:token-exchange';
const accessToken = 'urn:ietf:params:oauth:token-type:access_token';

/** A token this near its end is not sent any more: it has to arrive. */
const skewMs = 10_000;
/** How long a refusal is believed: a caller who is refused must not have the issuer asked without pause. */
const refusedMs = 1_000;

interface Kept {
  readonly authorization: Promise<string>;
  /** Wall milliseconds; absent while it is asked for. */
  until?: number;
}

/**
 * Exchanges a person's token (RFC 8693), once for as long as what comes of it counts. Kept by SHA-256 of the whole token, so that
 * nothing is ever found for another one, and in memory alone.
 */
export function createTokenExchange(options: TokenExchangeOptions): TokenExchange {
  const { now = Date.now, maxKept = 1_024 } = options;
  const kept = new Map<string, Kept>();

  const makeRoom = (): void => {
    for (const [key, { until }] of kept) if (until !== undefined && until <= now()) kept.delete(key);
    for (const [key] of kept) {
      if (kept.size < maxKept) return;
      kept.delete(key);
    }
  };
  const ask = (key: string, humanToken: string, until: number): Promise<string> => {
    const asked = exchange(options, humanToken);
    const entry: Kept = {
      authorization: asked.then(({ authorization }) => authorization),
    };
    asked.then(
      ({ endsAt }) => (entry.until = Math.min(endsAt - skewMs, until)),
      () => (entry.until = now() + refusedMs),
    );
    entry.authorization.catch(() => undefined);
    kept.delete(key);
    makeRoom();
    kept.set(key, entry);
    return entry.authorization;
  };

  return {
    authorization(humanToken, until) {
      const key = hex(sha256(utf8(humanToken)));
      const found = kept.get(key);
      const isGood = found !== undefined && (found.until === undefined || now() < found.until);
      return isGood ? found.authorization : ask(key, humanToken, until);
    },
    forget(authorization) {
      for (const [key, entry] of kept)
        void entry.authorization.then(
          (each) => {
            if (each === authorization && kept.get(key) === entry) kept.delete(key);
          },
          () => undefined,
        );
    },
  };
}

async function exchange(
  { config, authentication, fetch, now = Date.now }: TokenExchangeOptions,
  humanToken: string,
): Promise<{ readonly authorization: string; readonly endsAt: number }> {
  const { tokenEndpoint, issuer = tokenEndpoint, clientId, audience, resource, scope } = config;
  const server = { issuer, token_endpoint: tokenEndpoint };
  const client = { client_id: clientId };
  const parameters = new URLSearchParams({
    subject_token: humanToken,
    subject_token_type: accessToken,
    requested_token_type: accessToken,
    ...(audience !== undefined && { audience }),
    ...(resource !== undefined && { resource }),
    ...(scope !== undefined && { scope }),
  });
  const askedAt = now();
  let answer: TokenEndpointResponse;
  try {
    const http = oauthHttp(fetch, 'UPSTREAM_TOKEN_REFUSED');
    const response = await genericTokenEndpointRequest(
      server,
      client,
      await authentication(),
      grant,
      parameters,
      http,
    );
    answer = await processGenericTokenEndpointResponse(server, client, response);
  } catch (error) {
    throw refusedBy(error);
  }
  const { access_token: token, expires_in: seconds = 0 } = answer;
  requireUsable(answer, humanToken);
  return { authorization: `Bearer ${token}`, endsAt: askedAt + seconds * 1_000 };
}

/** RFC 6750 §2.1. */
const bearerToken = /^[A-Za-z0-9._~+/-]{1,16384}=*$/;

function requireUsable(
  { access_token: token, token_type: type, issued_token_type: issued }: TokenEndpointResponse,
  humanToken: string,
): void {
  if (token === humanToken) throw refused('the issuer gave the person’s own token back');
  if (type !== 'bearer' || issued !== accessToken || !bearerToken.test(token))
    throw refused('the issuer gave another kind of token');
}

/** Never with what was thrown as its cause: that may hold what was sent. */
function refusedBy(thrown: unknown): CountersignError {
  if (thrown instanceof CountersignError) return thrown;
  const error = oauthErrorOf(thrown);
  return refused(
    error === undefined ? 'its issuer cannot be asked, or gave no usable answer' : `its issuer says ${error}`,
  );
}

function refused(why: string): CountersignError {
  return new CountersignError(
    'UPSTREAM_TOKEN_REFUSED',
    `There is no token of this server for the person that the request is made for: ${why}.`,
  );
}
