import { Hono, type MiddlewareHandler } from 'hono';
import type { JsonObject } from '../../call/json.ts';
import type { ReasonCode } from '../../names.ts';
import { reasonHeader } from './answers.ts';
import { asksForLogin, challengeOf } from './challenges.ts';
import { describeRoute, type Operation } from './describe-route.ts';
import { protectedResourcePath } from './public-paths.ts';

/** What this gateway is to OAuth: a protected resource, where people's tokens count. */
export interface ProtectedResource {
  /** What callers call it: a URL without a slash at its end. */
  readonly publicUrl: string;
  /** Issuers whose tokens are taken. */
  readonly authorizationServers: readonly string[];
  /** What to ask them for; none where it does not matter. */
  readonly scopes: readonly string[];
  /** Signatures that proofs of possession may have. */
  readonly proofAlgorithms: readonly string[];
  /** Whether a token may be bound to the certificate of its connection (RFC 8705 §3). */
  readonly bindsCertificates: boolean;
}

/** For how long it may be kept: another issuer is another configuration. */
const caching = 'public, max-age=300';

const mcpPath = /^\/mcp(?:\/[a-z0-9][a-z0-9._-]{0,63})?$/;

/**
 * `GET /.well-known/oauth-protected-resource` and, with the path of an MCP endpoint behind it, the same of that
 * (https://www.rfc-editor.org/rfc/rfc9728#section-3). Of every name that a server could have: without a key nobody learns which
 * there are.
 */
export function protectedResourceRoutes(resource: ProtectedResource): Hono {
  const app = new Hono();
  const prefix = `${protectedResourcePath}${new URL(resource.publicUrl).pathname.replace(/\/$/, '')}`;
  const answer = (path: string): Response =>
    Response.json(metadata(resource, path), { headers: { 'cache-control': caching } });
  app.get(prefix, describeRoute(operation), () => answer(''));
  app.get(`${prefix}/mcp`, describeRoute(operation), () => answer('/mcp'));
  app.get(`${prefix}/mcp/:name`, describeRoute(operation), (context) => {
    const path = `/mcp/${context.req.param('name')}`;
    return mcpPath.test(path) ? answer(path) : context.notFound();
  });
  return app;
}

/** No person who logs in again mends these. */
const isOfOthers = /^(?:AGENT|JOIN)_/;

/** Puts into refusals where to log in, and refuses for want of a login where there is a place for it. */
export function challenges(resource: ProtectedResource): MiddlewareHandler {
  return async (context, next) => {
    await next();
    const { res, req } = context;
    const code = res.headers.get(reasonHeader) as ReasonCode | null;
    if (code === null) return;
    const isLogin =
      (res.status === 401 && !isOfOthers.test(code)) || (res.status === 403 && asksForLogin(code, true));
    if (!isLogin && !(res.status === 403 && code === 'DELEGATION_TOOL_REFUSED')) return;
    if (res.status === 403 && isLogin)
      context.res = new Response(res.body, { status: 401, headers: res.headers });
    context.header(
      'www-authenticate',
      challengeOf(code, { ...resource, metadata: metadataUrl(resource, req.path) }),
    );
  };
}

/** RFC 9728 §3.1: the well-known path comes between host and path. */
function metadataUrl({ publicUrl }: ProtectedResource, path: string): string {
  const { origin, pathname } = new URL(publicUrl);
  const own = mcpPath.test(path) ? path : '';
  return `${origin}${protectedResourcePath}${pathname.replace(/\/$/, '')}${own}`;
}

function metadata(resource: ProtectedResource, path: string): JsonObject {
  const { publicUrl, authorizationServers, scopes, proofAlgorithms, bindsCertificates } = resource;
  return {
    resource: `${publicUrl}${path}`,
    resource_name: 'Countersign',
    authorization_servers: [...authorizationServers],
    bearer_methods_supported: ['header'],
    ...(scopes.length > 0 && { scopes_supported: [...scopes] }),
    ...(proofAlgorithms.length > 0 && { dpop_signing_alg_values_supported: [...proofAlgorithms] }),
    ...(bindsCertificates && { tls_client_certificate_bound_access_tokens: true }),
    authorization_details_types_supported: ['countersign_tools'],
  };
}

const texts = { type: 'array', items: { type: 'string' } };
const operation: Operation = {
  summary: 'Where people log in whose tokens are taken here',
  description: 'OAuth 2.0 Protected Resource Metadata: RFC 9728.',
  responses: {
    200: {
      description: 'The metadata.',
      content: {
        'application/json': {
          schema: {
            type: 'object',
            properties: {
              resource: { type: 'string', format: 'uri' },
              authorization_servers: texts,
              bearer_methods_supported: texts,
            },
            required: ['resource', 'authorization_servers'],
          },
        },
      },
    },
  },
};
