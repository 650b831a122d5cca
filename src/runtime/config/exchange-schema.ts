import { z } from 'zod';
import { authorityUrl, resourceUri } from './acting-schema.ts';

/** `onBehalf` of a server that is reached by URL: a token of its own for each person (RFC 8693), in place of one key for all. */

const text = z.string().min(1).max(512);

export const onBehalfSchema = z
  .strictObject({
    tokenEndpoint: authorityUrl.describe('Where a person’s token is exchanged for one of this server.'),
    issuer: authorityUrl
      .optional()
      .describe('Whom private_key_jwt is addressed to; the token endpoint unless told.'),
    clientId: text.describe('What this gateway is registered as there.'),
    clientSecret: text.optional().describe('${env:NAME} keeps it out of this file.'),
    privateKeyFile: z
      .string()
      .min(1)
      .optional()
      .describe(
        'In place of a secret, for private_key_jwt: PKCS#8, PEM; relative to this file. Not on Workers.',
      ),
    keyId: text.optional().describe('What the issuer calls that key (kid).'),
    audience: text.optional().describe('Whom the new token is for, as the issuer calls this server.'),
    resource: resourceUri.optional(),
    scope: text.optional().describe('What the new token is to allow: scopes with blanks between them.'),
  })
  .superRefine(({ clientSecret, privateKeyFile, keyId, audience, resource, scope }, context) => {
    const wrong = (field: string, message: string): void =>
      context.addIssue({ code: 'custom', path: [field], message });
    if ((clientSecret === undefined) === (privateKeyFile === undefined))
      wrong('clientId', 'needs clientSecret, or privateKeyFile');
    if (keyId !== undefined && privateKeyFile === undefined) wrong('keyId', 'is the name of privateKeyFile');
    if (audience === undefined && resource === undefined && scope === undefined)
      wrong('tokenEndpoint', 'needs audience, resource or scope: the new token has to be for this server');
  });

export type OnBehalfConfig = z.output<typeof onBehalfSchema>;

interface UrlServer {
  readonly transport: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly onBehalf?: OnBehalfConfig | undefined;
}

/** One header cannot say two things, and a stream that everybody shares cannot be one person’s. */
export function requireOneAuthority(
  { transport, headers, onBehalf }: UrlServer,
  context: z.RefinementCtx,
): void {
  if (onBehalf === undefined) return;
  const wrong = (message: string): void => context.addIssue({ code: 'custom', path: ['onBehalf'], message });
  if (transport !== 'streamable-http') wrong('is for streamable-http alone');
  if (Object.keys(headers).some((name) => name.toLowerCase() === 'authorization'))
    wrong('is what Authorization says: take that out of headers');
}

/** Whoever acts for people has to know whose word counts on them. */
export function requirePeople(
  config: {
    readonly servers: Readonly<Record<string, object>>;
    readonly identity?: { readonly humans: readonly unknown[] } | undefined;
  },
  context: z.RefinementCtx,
): void {
  if ((config.identity?.humans.length ?? 0) > 0) return;
  for (const [name, server] of Object.entries(config.servers))
    if ('onBehalf' in server && server.onBehalf !== undefined)
      context.addIssue({
        code: 'custom',
        path: ['servers', name, 'onBehalf'],
        message: 'needs identity.humans: whose word counts on the people that this server is asked for',
      });
}
