import type { Context } from 'hono';
import type { Credentials, DpopProof, Peer } from '../../identity/principal.ts';

/** What a runtime tells the application of a connection, beside the request. */
export interface HttpBindings {
  readonly peer?: Omit<Peer, 'forwardedFor' | 'forwardedCertificate' | 'forwardedChain'>;
  /** What callers call this gateway, where that is not what the request says: a URL without a slash at its end. */
  readonly publicUrl?: string | undefined;
  /** Told once when the answer turns out to be a stream: from then on it is no request that runs. */
  readonly becomesStream?: () => void;
  /** Breaks the connection of this request. */
  readonly hangUp?: () => void;
}

/** The header for an API key where `Authorization` carries a person's token. */
export const apiKeyHeader = 'countersign-key';
export const humanTokenHeader = 'countersign-human-token';
export const agentTokenHeader = 'countersign-agent-token';
export const deviceTokenHeader = 'countersign-device-token';
export const grantHeader = 'countersign-grant';
/** The proof for the person's token (RFC 9449 §4), and that for the agent's, which has no header of its own elsewhere. */
export const humanProofHeader = 'dpop';
export const agentProofHeader = 'countersign-agent-dpop';

const credentialsVariable = 'credentials';

/** Where one request's middleware leaves something for its routes. */
interface Variables {
  get(name: typeof credentialsVariable): unknown;
  set(name: typeof credentialsVariable, value: Credentials): void;
}

/**
 * What a request brings: one object, however often it is asked for, so that its proofs of possession are of one request.
 *
 * `Authorization: Bearer` (RFC 6750 §2.1) is the API key; where the key is in `Countersign-Key`, it is the person's token, as an MCP
 * client sends it. `Authorization: DPoP` (RFC 9449 §7.1) is the person's token in any case.
 */
export function credentialsOf(context: Pick<Context, 'req' | 'env'> & Variables): Credentials {
  const known = context.get(credentialsVariable) as Credentials | undefined;
  if (known !== undefined) return known;
  const credentials = readCredentials(context);
  context.set(credentialsVariable, credentials);
  return credentials;
}

function readCredentials({ req, env }: Pick<Context, 'req' | 'env'>): Credentials {
  const { peer, publicUrl } = (env ?? {}) as HttpBindings;
  const keyHeader = req.header(apiKeyHeader);
  const [, scheme = '', token] =
    /^(Bearer|DPoP) ([\w~+/.-]+=*)$/i.exec(req.header('authorization') ?? '') ?? [];
  const isBearer = scheme.toLowerCase() === 'bearer';
  const proof = (jwt: string | undefined): DpopProof | undefined =>
    jwt === undefined ? undefined : { jwt, method: req.method, url: urlAsAsked(req.url, publicUrl) };
  return {
    apiKey: keyHeader ?? (isBearer ? token : undefined),
    agentToken: req.header(agentTokenHeader),
    humanToken: req.header(humanTokenHeader) ?? (isBearer && keyHeader === undefined ? undefined : token),
    deviceToken: req.header(deviceTokenHeader) ?? req.header('cf-access-jwt-assertion'),
    grant: req.header(grantHeader),
    humanProof: proof(req.header(humanProofHeader)),
    agentProof: proof(req.header(agentProofHeader)),
    peer: {
      ...peer,
      forwardedFor: req.header('x-forwarded-for'),
      forwardedCertificate: req.header('client-cert'),
      forwardedChain: req.header('client-cert-chain'),
    },
  };
}

/** The URL that a sender has signed: a proxy may have been asked by another name, and over TLS. */
function urlAsAsked(url: string, publicUrl: string | undefined): string {
  return publicUrl === undefined ? url : `${publicUrl}${new URL(url).pathname}`;
}
