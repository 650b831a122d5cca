import { z } from 'zod';
import { issuerPresets, type IssuerPresetName } from '../../identity/issuer-presets.ts';
import { tokenAlgorithms } from '../../identity/jwk.ts';
import { isCidr, unknownZone } from '../../identity/network.ts';

/** The section `identity`: who is believed about humans, devices and networks. Without it an API key is all that counts. */

const spans = { s: 1_000, m: 60_000, h: 3_600_000 } as const;

const lifetime = z
  .string()
  .regex(/^[1-9][0-9]{0,4}[smh]$/, 'must be a time such as 300s, 60m or 24h')
  .transform((text) => Number.parseInt(text, 10) * spans[text.slice(-1) as keyof typeof spans]);

const pointer = z
  .string()
  .regex(/^(?:\/(?:[^~/]|~[01])*)+$/, 'must be a JSON pointer such as /realm_access/roles');
const pointers = z.union([pointer.transform((one) => [one]), z.array(pointer)]);
const text = z.string().min(1).max(512);
const texts = z.union([text.transform((one) => [one]), z.array(text).min(1)]);
const cidr = z
  .string()
  .refine(isCidr, 'must be a CIDR block such as 10.20.0.0/16, with no bit set behind its prefix');
const cidrs = z.array(cidr).min(1);

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

const tokenIssuer = {
  issuer: text.describe('The claim iss, character by character.'),
  keys,
  audience: texts.optional().describe('The claim aud has one of these; identity.audience unless told.'),
  algorithms: z
    .array(z.enum(tokenAlgorithms))
    .min(1)
    .default(['RS256'])
    .describe('Signatures that are taken. A key that names no algorithm gets the first that fits it.'),
  types: texts
    .transform((types) => types.map((type) => type.toLowerCase().replace(/^application\//, '')))
    .optional()
    .describe('Values of typ that are taken, none for a token without one; at+jwt and JWT unless told.'),
  tenant: text.optional().describe('Whose everything of this issuer is; default unless told.'),
  tenants: z
    .record(text, text)
    .optional()
    .describe(
      'Of an issuer for several: value of the claim for the tenant → tenant. Other values are refused.',
    ),
};

const presetNames = Object.keys(issuerPresets) as [IssuerPresetName, ...IssuerPresetName[]];

const humanIssuer = z.strictObject({
  ...tokenIssuer,
  preset: z.enum(presetNames).default('generic').describe('What its tokens are like; claims say otherwise.'),
  claims: z
    .strictObject({
      subject: pointer.optional(),
      roles: pointers.optional(),
      groups: pointers.optional(),
      authTime: pointer.optional(),
      tenant: pointer.optional(),
    })
    .default({})
    .describe('Where in the claims these are, as JSON pointers.'),
  maxLifetime: lifetime
    .default(24 * spans.h)
    .describe('Tokens that live longer are refused; 24h unless told.'),
});

const deviceIssuer = z.strictObject({
  ...tokenIssuer,
  claims: z
    .strictObject({ trust: pointer.default('/trust'), tenant: pointer.optional() })
    .prefault({})
    .describe('Where in the claims these are, as JSON pointers. The device is sub.'),
  maxLifetime: lifetime.default(spans.h).describe('Tokens that live longer are refused; 1h unless told.'),
});

const zoneName = z
  .string()
  .regex(/^[a-z0-9][a-z0-9._-]{0,63}$/, 'must be small letters, digits, dots, dashes and underscores')
  .refine((zone) => zone !== unknownZone, `${unknownZone} is the zone of whoever is in no other`);

export const identitySchema = z
  .strictObject({
    audience: texts.optional().describe('What issuers call this gateway: the claim aud of every token.'),
    humans: z.array(humanIssuer).max(64).default([]).describe('Whose tokens say for which person a call is.'),
    devices: z.array(deviceIssuer).max(64).default([]).describe('Whose tokens say which device calls.'),
    zones: z.record(zoneName, cidrs).default({}).describe('Networks by name. The longest prefix wins.'),
    trustedProxies: z
      .array(cidr)
      .default([])
      .describe('Who may say in X-Forwarded-For for whom it asks. Nobody unless told.'),
  })
  .superRefine(({ audience, humans, devices }, context) => {
    const wrong = (path: readonly (string | number)[], message: string): void =>
      context.addIssue({ code: 'custom', path: [...path], message });
    for (const [kind, issuers] of Object.entries({ humans, devices })) {
      for (const [at, each] of issuers.entries()) {
        const { issuer, tenant, tenants, claims } = each;
        if (issuers.findIndex((other) => other.issuer === issuer) < at)
          wrong([kind, at, 'issuer'], 'another one before it has this name');
        if ((each.audience ?? audience) === undefined)
          wrong([kind, at], 'needs an audience: tokens that were issued for others must not count here');
        if (tenant !== undefined && tenants !== undefined)
          wrong([kind, at, 'tenant'], 'is either one tenant, or tenants');
        const preset = 'preset' in each ? issuerPresets[each.preset] : undefined;
        const isEverybodys = preset !== undefined && 'needsTenants' in preset;
        if (isEverybodys && tenants === undefined)
          wrong([kind, at], 'needs tenants: anybody can have an account with this issuer');
        if (tenants !== undefined && claims.tenant === undefined && !(preset && 'tenant' in preset.places))
          wrong([kind, at, 'tenants'], 'needs claims.tenant: where a token says whose it is');
      }
    }
  });

export type IdentityConfig = z.output<typeof identitySchema>;
