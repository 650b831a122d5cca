import type { ProtectedResource } from '../../gateway/http/protected-resource.ts';
import { proofAlgorithms } from '../../identity/possession/dpop.ts';
import type { Config } from '../config/schema.ts';

/**
 * What a configuration makes this gateway to OAuth. Undefined where it does not say what callers call it, or nobody's tokens count
 * who could be asked for one: then there is nothing to tell a client that looks for a place to log in.
 */
export function protectedResource({
  publicUrl,
  identity,
  listen,
}: Pick<Config, 'publicUrl' | 'identity' | 'listen'>): ProtectedResource | undefined {
  const authorizationServers = (identity?.humans ?? []).map(({ issuer }) => issuer).filter(isIssuerUrl);
  if (publicUrl === undefined || authorizationServers.length === 0) return undefined;
  return {
    publicUrl,
    authorizationServers,
    scopes: identity?.scopes ?? [],
    proofAlgorithms,
    bindsCertificates: (listen.tls?.clients ?? 'none') !== 'none',
  };
}

/** RFC 8414 §2: an authorization server is an https URL; on this machine http will do. Others issue tokens, and log nobody in. */
function isIssuerUrl(issuer: string): boolean {
  return (
    URL.canParse(issuer) &&
    /^https:\/\/|^http:\/\/(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])(?:[:/]|$)/.test(issuer) &&
    !/[?#]/.test(issuer)
  );
}
