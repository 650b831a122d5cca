import type { z } from 'zod';
import type { IdentityConfig } from './identity-schema.ts';

/** What of a configuration says whom tokens have to be for. */
interface Audienced {
  readonly identity?: IdentityConfig | undefined;
  readonly publicUrl?: string | undefined;
  readonly servers?: Readonly<Record<string, unknown>>;
}

/**
 * Where nothing else is told, tokens are for the URLs under which this gateway is a protected resource: what a client that finds its
 * own way asks for (RFC 8707, RFC 9728 §7.4). It is one gate behind all of them, so that each counts at all.
 */
export function withAudiences<T extends Audienced>(config: T, context: z.RefinementCtx): T {
  const { identity, publicUrl, servers = {} } = config;
  if (identity === undefined || identity.audience !== undefined) return config;
  if (publicUrl === undefined) {
    requireAudiences(identity, context);
    return config;
  }
  const paths = ['', '/', '/mcp', ...Object.keys(servers).map((name) => `/mcp/${name}`)];
  return { ...config, identity: { ...identity, audience: paths.map((path) => publicUrl + path) } };
}

function requireAudiences(identity: IdentityConfig, context: z.RefinementCtx): void {
  const { humans, agents, devices, events } = identity;
  for (const [kind, issuers] of Object.entries({ humans, agents, devices, events })) {
    for (const [at, { audience }] of issuers.entries()) {
      if (audience === undefined)
        context.addIssue({
          code: 'custom',
          path: ['identity', kind, at],
          message: 'needs an audience: tokens that were issued for others must not count here',
        });
    }
  }
}
