import type { Context, MiddlewareHandler } from 'hono';
import { CountersignError, toCountersignError } from '../../errors.ts';
import type { Gate } from '../../gate/gate.ts';
import type { Principal } from '../../identity/principal.ts';
import { refusalAnswer, toResponse } from './answers.ts';
import { credentialsOf } from './credentials.ts';

export interface RequireKeyOptions {
  readonly gate: Pick<Gate, 'authenticate'>;
  readonly isPublic: (method: string, path: string) => boolean;
  /** Requests of one API key at a time; more are told to come back. Streams are counted elsewhere. */
  readonly maxInFlightPerKey: number;
}

/** Behind these the gate decides, and denies in a signed verdict whoever has a genuine key and evidence that does not hold. */
const isDecided = (path: string): boolean =>
  /^\/(?:actions\/|mcp(?:\/|$)|v1\/calls$|access\/v1\/evaluations?$)/.test(path);

const principalVariable = 'principal';

/**
 * Nothing is behind it for whoever has no valid key, not even the difference between a path that exists and one that does
 * not, or between methods.
 */
export function requireKey({ gate, isPublic, maxInFlightPerKey }: RequireKeyOptions): MiddlewareHandler {
  const inFlight = new Map<string, number>();
  return async (context, next) => {
    if (isPublic(context.req.method, context.req.path)) return next();
    let key: string;
    try {
      const purpose = isDecided(context.req.path) ? 'call' : undefined;
      const principal = await gate.authenticate(credentialsOf(context), purpose);
      context.set(principalVariable, principal);
      // Whoever has stolen a key and is refused takes no place of its owner's.
      key = principal.refusal === undefined ? principal.apiKeyId : `${principal.apiKeyId} refused`;
      if ((inFlight.get(key) ?? 0) >= maxInFlightPerKey) throw overLimit(maxInFlightPerKey);
    } catch (error) {
      const { code, message } = toCountersignError(
        error,
        'INTERNAL',
        'The credentials could not be checked.',
      );
      return toResponse(refusalAnswer(code, message));
    }
    inFlight.set(key, (inFlight.get(key) ?? 0) + 1);
    try {
      await next();
    } finally {
      const left = (inFlight.get(key) ?? 1) - 1;
      if (left === 0) inFlight.delete(key);
      else inFlight.set(key, left);
    }
    return undefined;
  };
}

/**
 * Who calls, as it was found above; looked for here where these routes stand by themselves. `purpose` and what it rejects with are
 * those of `authenticate`.
 */
export async function callerOf(
  context: Context,
  gate: Pick<Gate, 'authenticate'>,
  purpose?: 'call',
): Promise<Principal> {
  return (
    (context.get(principalVariable) as Principal | undefined) ??
    (await gate.authenticate(credentialsOf(context), purpose))
  );
}

function overLimit(limit: number): CountersignError {
  return new CountersignError(
    'KEY_OVER_LIMIT',
    `An API key has at most ${limit} requests at a time: wait for an answer first.`,
  );
}
