import type { Context } from 'hono';
import type { Credentials, Peer } from '../../identity/principal.ts';

/** What a runtime tells the application of a connection, beside the request. */
export interface HttpBindings {
  readonly peer?: Omit<Peer, 'forwardedFor'>;
  /** Told once when the answer turns out to be a stream: from then on it is no request that runs. */
  readonly becomesStream?: () => void;
  /** Breaks the connection of this request. */
  readonly hangUp?: () => void;
}

/** The header for an API key where `Authorization` carries a person's token. */
export const apiKeyHeader = 'countersign-key';
export const humanTokenHeader = 'countersign-human-token';
export const deviceTokenHeader = 'countersign-device-token';

/**
 * What a request brings. `Authorization: Bearer` (RFC 6750 §2.1) is the API key; where the key is in `Countersign-Key`, it is
 * the person's token, as an MCP client sends it.
 */
export function credentialsOf({ req, env }: Pick<Context, 'req' | 'env'>): Credentials {
  const keyHeader = req.header(apiKeyHeader);
  const bearer = /^Bearer ([\w~+/.-]+=*)$/i.exec(req.header('authorization') ?? '')?.[1];
  const { peer } = (env ?? {}) as HttpBindings;
  return {
    apiKey: keyHeader ?? bearer,
    humanToken: req.header(humanTokenHeader) ?? (keyHeader === undefined ? undefined : bearer),
    deviceToken: req.header(deviceTokenHeader) ?? req.header('cf-access-jwt-assertion'),
    peer: { ...peer, forwardedFor: req.header('x-forwarded-for') },
  };
}
