import {
  deviceAuthorizationRequest,
  deviceCodeGrantRequest,
  getValidatedIdTokenClaims,
  processDeviceAuthorizationResponse,
  processDeviceCodeResponse,
  type DeviceAuthorizationResponse,
  type TokenEndpointResponse,
} from 'oauth4webapi';
import { CountersignError } from '../../errors.ts';
import { oauthErrorOf, oauthFailure } from '../oauth/oauth-http.ts';
import { openIssuer, tokensOf, type Issuer, type LoginPlace } from './issuer.ts';
import type { Login } from './login-file.ts';
import { tokenSubject } from './token-end.ts';

/** What a person has to do, in whatever browser they like. */
export interface DevicePrompt {
  readonly uri: string;
  readonly userCode: string;
  /** The same with the code in it. */
  readonly uriComplete?: string;
  /** Seconds that the code counts. */
  readonly expiresIn: number;
}

export interface DeviceLoginOptions extends LoginPlace {
  /** Shows the person what to do. */
  readonly prompt: (prompt: DevicePrompt) => void;
  /** Nothing has come of it yet. */
  readonly waiting: () => void;
  readonly pause: (ms: number) => Promise<unknown>;
}

/** Seconds: RFC 8628 §3.2 and §3.5. */
const defaultInterval = 5;
const slowerBy = 5;
const longestInterval = 60;

/**
 * Logs a person in through another device (RFC 8628).
 *
 * @throws CountersignError `LOGIN_FAILED`: refused, not done in time, or the issuer cannot be asked.
 */
export async function deviceLogin(options: DeviceLoginOptions): Promise<Login> {
  const issuer = await openIssuer(options);
  const asked = await askForCode(issuer, options);
  options.prompt(promptOf(asked));
  const answer = await waitForToken(issuer, asked, options);
  const now = Date.now();
  const tokens = tokensOf(answer, now);
  const subject = getValidatedIdTokenClaims(answer)?.sub ?? tokenSubject(tokens.access);
  return {
    version: 1,
    issuer: options.config.issuer,
    clientId: options.config.clientId,
    ...(options.resource !== undefined && { resource: options.resource }),
    ...(subject !== undefined && { subject }),
    since: now,
    tokens,
  };
}

async function askForCode(
  { server, client, authentication, http, target }: Issuer,
  { config }: DeviceLoginOptions,
): Promise<DeviceAuthorizationResponse> {
  if (server.device_authorization_endpoint === undefined)
    throw new CountersignError('LOGIN_FAILED', 'The issuer does not offer the device authorization grant.');
  const scope = [...new Set(['openid', 'offline_access', ...config.scopes])].join(' ');
  const parameters = new URLSearchParams({ scope, ...target });
  try {
    const response = await deviceAuthorizationRequest(server, client, authentication, parameters, http);
    return await processDeviceAuthorizationResponse(server, client, response);
  } catch (error) {
    throw oauthFailure(error, 'LOGIN_FAILED');
  }
}

function promptOf(asked: DeviceAuthorizationResponse): DevicePrompt {
  const { verification_uri: uri, verification_uri_complete: uriComplete, user_code: userCode } = asked;
  // Somebody clicks on these.
  for (const each of [uri, uriComplete ?? uri])
    if (!/^https?:$/.test(URL.parse(each)?.protocol ?? ''))
      throw new CountersignError('LOGIN_FAILED', 'The issuer names a page that is none.');
  return { uri, userCode, expiresIn: asked.expires_in, ...(uriComplete !== undefined && { uriComplete }) };
}

async function waitForToken(
  { server, client, authentication, http, target }: Issuer,
  asked: DeviceAuthorizationResponse,
  { pause, waiting }: DeviceLoginOptions,
): Promise<TokenEndpointResponse> {
  const deadline = performance.now() + asked.expires_in * 1_000;
  let interval = Math.min(asked.interval ?? defaultInterval, longestInterval);
  while (performance.now() < deadline) {
    await pause(interval * 1_000);
    try {
      const response = await deviceCodeGrantRequest(server, client, authentication, asked.device_code, {
        ...http,
        additionalParameters: target,
      });
      return await processDeviceCodeResponse(server, client, response);
    } catch (error) {
      interval = nextInterval(error, interval);
      waiting();
    }
  }
  throw expired();
}

/** Seconds until it is asked again; throws what ends the waiting. */
function nextInterval(thrown: unknown, interval: number): number {
  switch (oauthErrorOf(thrown)) {
    case 'authorization_pending':
      return interval;
    case 'slow_down':
      return interval + slowerBy;
    case 'access_denied':
      throw new CountersignError('LOGIN_FAILED', 'The login was refused at the issuer’s page.');
    case 'expired_token':
      throw expired();
    case undefined:
      // It could not be reached this time: less often, then (RFC 8628 §3.5).
      if (thrown instanceof CountersignError) throw thrown;
      return Math.min(interval * 2, longestInterval);
    default:
      throw oauthFailure(thrown, 'LOGIN_FAILED');
  }
}

function expired(): CountersignError {
  return new CountersignError(
    'LOGIN_FAILED',
    'The code was not entered in time. Log in again: countersign login',
  );
}
