import type { MiddlewareHandler } from 'hono';
import { refusalAnswer, toResponse } from './answers.ts';
import { isPublished } from './public-paths.ts';

/** Seconds for which a browser may remember what a preflight was told. */
const preflightAge = '600';
const methods = 'GET, POST, DELETE';
const requestHeaders = [
  ...['authorization', 'content-type', 'accept', 'last-event-id'],
  ...['countersign-key', 'countersign-human-token', 'countersign-agent-token', 'countersign-device-token'],
  ...['countersign-grant', 'dpop', 'countersign-agent-dpop'],
  ...['mcp-session-id', 'mcp-protocol-version', 'mcp-method', 'mcp-name'],
].join(', ');
const exposed = 'mcp-session-id, retry-after, www-authenticate, countersign-reason';

/**
 * Which pages may read what (https://fetch.spec.whatwg.org/#http-cors-protocol). What is published is open to every page;
 * everything else only to pages of these origins, and a request of another page is refused before anything of it is read:
 * a browser hides an answer from a page, but not the deed from us. Keys travel in headers, so cookies are never allowed.
 */
export function cors(origins: ReadonlySet<string>): MiddlewareHandler {
  return async (context, next) => {
    const { req } = context;
    const origin = req.header('origin');
    const asked = req.header('access-control-request-method');
    const isPreflight = req.method === 'OPTIONS' && origin !== undefined && asked !== undefined;
    if (isPublished(isPreflight ? asked : req.method, req.path)) {
      if (isPreflight) return preflightAnswer('*', 'GET', req.header('access-control-request-headers') ?? '');
      await next();
      context.header('access-control-allow-origin', '*');
      return undefined;
    }
    if (origin !== undefined && !origins.has(origin)) return refused();
    if (isPreflight) return preflightAnswer(origin, methods, requestHeaders);
    await next();
    context.header('vary', 'Origin', { append: true });
    if (origin === undefined) return undefined;
    context.header('access-control-allow-origin', origin);
    context.header('access-control-expose-headers', exposed);
    return undefined;
  };
}

function preflightAnswer(origin: string, allowed: string, headers: string): Response {
  return new Response(null, {
    status: 204,
    headers: {
      'access-control-allow-origin': origin,
      'access-control-allow-methods': allowed,
      'access-control-allow-headers': headers,
      'access-control-max-age': preflightAge,
      vary: 'Origin, Access-Control-Request-Method, Access-Control-Request-Headers',
    },
  });
}

function refused(): Response {
  const { body, headers } = refusalAnswer('FRAME_INVALID', 'Pages of this origin may not call this gateway.');
  return toResponse({ status: 403, body, headers: { ...headers, vary: 'Origin' } });
}
