import { z } from 'zod';

/** The sections `login` and `human`: whose token a wrapped server's calls carry. A gateway's callers bring their own. */

const text = z.string().min(1).max(512);

/** What goes there are credentials, and what comes back is believed: nothing but TLS, or this machine. */
export const authorityUrl = z
  .url({ protocol: /^https?$/, error: 'must be an https URL' })
  .refine(
    (url) => /^https:|^http:\/\/(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])(?:[:/]|$)/.test(url),
    'must be https; http is for this machine alone',
  );

/** RFC 8707 §2: absolute, without a fragment. */
export const resourceUri = text
  .refine((uri) => URL.canParse(uri) && !uri.includes('#'), 'must be an absolute URI without “#”')
  .describe('What the issuer calls the one that the token is for (RFC 8707).');

export const loginSchema = z.strictObject({
  issuer: authorityUrl.describe('Who logs people in: as it names itself, character by character.'),
  clientId: text.describe('What this client is registered as, for the device authorization grant.'),
  clientSecret: text
    .optional()
    .describe('Only where the issuer gives such clients one. ${env:NAME} keeps it out.'),
  scopes: z
    .array(z.string().regex(/^[\x21\x23-\x5b\x5d-\x7e]+$/, 'must be a scope: visible ASCII without blanks'))
    .max(32)
    .default([])
    .describe('Asked for beside openid and offline_access.'),
  resource: z
    .union([z.literal(false), resourceUri])
    .optional()
    .describe(
      'The first identity.audience that is a URI unless told; false asks for none (Entra goes by scopes).',
    ),
  audience: text.optional().describe('The parameter audience, where an issuer goes by that (Auth0).'),
});

export const humanSchema = z.strictObject({
  command: z
    .array(z.string())
    .min(1)
    .refine(([program]) => program !== '', 'must begin with a program')
    .describe('Prints the token; started without a shell, and again when the token has ended.'),
});

export type LoginConfig = z.output<typeof loginSchema>;
export type HumanConfig = z.output<typeof humanSchema>;
