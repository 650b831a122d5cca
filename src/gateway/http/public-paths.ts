/** RFC 9728 §3: where a protected resource says who lets people in. */
export const protectedResourcePath = '/.well-known/oauth-protected-resource';

/**
 * What is answered without a key, and may be read by any page: digests, signatures and certificates, that are published
 * for whoever wants to check; and where to log in. Everything else needs a key, what is not there included.
 */
export function isPublished(method: string, path: string): boolean {
  return isRead(method) && (/^\/(?:log|trust)\//.test(path) || isUnder(path, protectedResourcePath));
}

/** What a load balancer asks, who has no key. No business of a page. */
export function isProbe(method: string, path: string): boolean {
  return isRead(method) && (path === '/healthz' || path === '/readyz');
}

function isUnder(path: string, place: string): boolean {
  return path === place || path.startsWith(`${place}/`);
}

function isRead(method: string): boolean {
  return method === 'GET' || method === 'HEAD';
}
