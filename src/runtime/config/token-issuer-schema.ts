import { z } from 'zod';
import { tokenAlgorithms } from '../../identity/tokens/jwk.ts';
import { isTokenType } from '../../identity/tokens/token-types.ts';

/** What is said of everybody who issues tokens, whomever these speak of. */

const spans = { s: 1_000, m: 60_000, h: 3_600_000 } as const;
export const hourMs = spans.h;

export const lifetime = z
  .string()
  .regex(/^[1-9][0-9]{0,4}[smh]$/, 'must be a time such as 300s, 60m or 24h')
  .transform((text) => Number.parseInt(text, 10) * spans[text.slice(-1) as keyof typeof spans])
  .describe('Tokens that live longer are refused; 24h unless told, and 1h of devices.');

export const text = z.string().min(1).max(512);
export const texts = z.union([text.transform((one) => [one]), z.array(text).min(1)]);

/** Whoever answers decides who is believed: nothing but TLS, or this machine. */
const keysUrl = z
  .url({ protocol: /^https?$/, error: 'must be an https URL' })
  .refine(
    (url) => /^https:|^http:\/\/(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])[:/]/.test(url),
    'must be https; http is for this machine alone',
  );

const keys = z
  .union([z.strictObject({ url: keysUrl }), z.strictObject({ file: z.string().min(1) })])
  .describe('The issuer’s JWK Set: {url: …}, exactly this one, or {file: …}, relative to this file.');

export const algorithms = z
  .array(z.enum(tokenAlgorithms))
  .min(1)
  .describe('Signatures that are taken. A key that names no algorithm gets the first that fits it.');

export const types = texts
  .transform((each) => each.map((type) => type.toLowerCase().replace(/^application\//, '')))
  .refine((each) => each.every(isTokenType), 'names tokens that are for somebody else, and never for us')
  .describe('Values of typ that are taken, none for a token without one; at+jwt and JWT unless told.');

export const tokenIssuer = {
  issuer: text.describe('The claim iss, character by character.'),
  keys,
  audience: texts.optional().describe('The claim aud has one of these; identity.audience unless told.'),
  algorithms: algorithms.default(['RS256']),
  types: types.optional(),
  tenant: text.optional().describe('Whose everything of this issuer is; default unless told.'),
  tenants: z
    .record(text, text)
    .optional()
    .describe(
      'Of an issuer for several: value of the claim for the tenant → tenant. Other values are refused.',
    ),
};
