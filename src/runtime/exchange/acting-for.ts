import { toCountersignError, CountersignError } from '../../errors.ts';
import type { Gates } from '../../gate/gate.ts';
import type { Credentials, Principal } from '../../identity/principal.ts';
import type { UpstreamAuthority } from '../../targets/mcp-http.ts';
import type { TokenExchange } from './token-exchange.ts';

/**
 * In whose name a server is asked. Who asks is looked at again with each request, so that no issuer is ever shown what was not
 * verified, has ended since, or was taken back.
 */
export function actingFor(
  authenticate: Gates['authenticate'],
  exchange: TokenExchange,
): (credentials: Credentials) => UpstreamAuthority {
  return (credentials) => ({
    async authorization() {
      const { humanToken } = credentials;
      const { human, expiresAt = Infinity } = await admitted(authenticate, credentials);
      if (human?.verified !== true || humanToken === undefined)
        throw new CountersignError(
          'HUMAN_MISSING',
          'This server acts for people, and the request is made for nobody.',
        );
      return exchange.authorization(humanToken, expiresAt);
    },
    refused: (authorization) => exchange.forget(authorization),
  });
}

async function admitted(authenticate: Gates['authenticate'], credentials: Credentials): Promise<Principal> {
  try {
    return await authenticate(credentials);
  } catch (error) {
    const { message } = toCountersignError(error, 'INTERNAL', 'The credentials could not be checked.');
    throw new CountersignError(
      'HUMAN_MISSING',
      `This server acts for people, and who asks may nothing: ${message}`,
    );
  }
}
