import { allowInsecureRequests, customFetch, ResponseBodyError, type HttpRequestOptions } from 'oauth4webapi';
import { readAtMost } from '../../call/read-at-most.ts';
import { CountersignError } from '../../errors.ts';
import type { ReasonCode } from '../../names.ts';

/** An authorization server says little: tokens, keys' addresses, a reason. */
const maxAnswerBytes = 256 << 10;
const answersWithinMs = 10_000;

const loopback = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/;

/**
 * How an authorization server is asked: over TLS or on this machine, also where its own metadata names another place; never further
 * than where it was asked, and for no longer answer than there is use for.
 */
export function oauthHttp(
  fetch: typeof globalThis.fetch,
  code: ReasonCode,
  withinMs = answersWithinMs,
): HttpRequestOptions<'GET'> & HttpRequestOptions<'POST', URLSearchParams> {
  return {
    signal: () => AbortSignal.timeout(withinMs),
    // Its own check knows TLS alone; the one below knows this machine too.
    [allowInsecureRequests]: true,
    async [customFetch](url: string, { method, headers, body, signal }) {
      requireSafe(new URL(url), code);
      const response = await fetch(url, {
        method,
        headers,
        redirect: 'manual',
        ...(body !== undefined && { body }),
        ...(signal && { signal }),
      });
      const { status } = response;
      if (status < 200 || (status >= 300 && status < 400))
        throw new CountersignError(code, 'The authorization server answered with a redirect.');
      const bytes = await readAtMost(response.body, maxAnswerBytes);
      if (bytes === undefined)
        throw new CountersignError(code, 'The answer of the authorization server is too long.');
      return new Response(bytes.length === 0 ? null : new Uint8Array(bytes), {
        status,
        headers: response.headers,
      });
    },
  };
}

function requireSafe({ protocol, hostname }: URL, code: ReasonCode): void {
  if (protocol === 'https:' || (protocol === 'http:' && loopback.test(hostname))) return;
  throw new CountersignError(code, 'The authorization server names an address that is not https.');
}

/** The error that an authorization server answered with (RFC 6749 §5.2), if it did: `invalid_grant`, … */
export function oauthErrorOf(thrown: unknown): string | undefined {
  if (!(thrown instanceof ResponseBodyError)) return undefined;
  // It is told to people, and comes from elsewhere.
  return /^[a-z0-9_.-]{1,64}$/i.test(thrown.error) ? thrown.error : 'an error without a name';
}

/** A sentence on why there is no token. Nothing that was sent or received is in it. */
export function oauthFailure(thrown: unknown, code: ReasonCode): CountersignError {
  if (thrown instanceof CountersignError) return thrown;
  const error = oauthErrorOf(thrown);
  return new CountersignError(
    code,
    error === undefined
      ? 'The authorization server cannot be reached, or gave no usable answer.'
      : `The authorization server refused: ${error}.`,
  );
}
