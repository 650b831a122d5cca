/**
 * What is answered without a key, and may be read by any page: digests, signatures and certificates, that are published
 * for whoever wants to check. Everything else needs a key, what is not there included.
 */
export function isPublished(method: string, path: string): boolean {
  return isRead(method) && /^\/(?:log|trust)\//.test(path);
}

/** What a load balancer asks, who has no key. No business of a page. */
export function isProbe(method: string, path: string): boolean {
  return isRead(method) && (path === '/healthz' || path === '/readyz');
}

function isRead(method: string): boolean {
  return method === 'GET' || method === 'HEAD';
}
