import { z } from 'zod';
import { committableFields } from '../../envelope/committed-principal.ts';
import { issuerPresets, type IssuerPresetName } from '../../identity/tokens/issuer-presets.ts';
import { isCidr, unknownZone } from '../../identity/network.ts';
import { agentIssuer, agentNames } from './agent-issuer-schema.ts';
import { grantersSchema, grantsRequiredSchema } from './granters-schema.ts';
import { hourMs, lifetime, texts, tokenIssuer } from './token-issuer-schema.ts';
import { eventTransmitter } from './events-schema.ts';
import { certificatesSchema } from './certificates-schema.ts';
import { enrolmentSchema } from './enrolment-schema.ts';

/** The section `identity`: who is believed about humans, devices and networks. Without it an API key is all that counts. */

const pointer = z
  .string()
  .regex(/^(?:\/(?:[^~/]|~[01])*)+$/, 'must be a JSON pointer such as /realm_access/roles');
const pointers = z.union([pointer.transform((one) => [one]), z.array(pointer)]);
const cidr = z
  .string()
  .refine(isCidr, 'must be a CIDR block such as 10.20.0.0/16, with no bit set behind its prefix');
const cidrs = z.array(cidr).min(1);

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
  actors: agentNames
    .default({})
    .describe('What the issuer calls an agent in act and may_act → the agent. SPIFFE IDs need no entry.'),
  maxLifetime: lifetime.default(24 * hourMs),
});

const deviceIssuer = z.strictObject({
  ...tokenIssuer,
  claims: z
    .strictObject({ trust: pointer.default('/trust'), tenant: pointer.optional() })
    .prefault({})
    .describe('Where in the claims these are, as JSON pointers. The device is sub.'),
  maxLifetime: lifetime.default(hourMs),
});

/** RFC 6749 §3.3. */
const scope = z
  .string()
  .regex(/^[\x21\x23-\x5b\x5d-\x7e]+$/, 'must be a scope: visible ASCII without blanks');

const zoneName = z
  .string()
  .regex(/^[a-z0-9][a-z0-9._-]{0,63}$/, 'must be small letters, digits, dots, dashes and underscores')
  .refine((zone) => zone !== unknownZone, `${unknownZone} is the zone of whoever is in no other`);

export const identitySchema = z
  .strictObject({
    audience: texts.optional().describe('What issuers call this gateway: the claim aud of every token.'),
    humans: z.array(humanIssuer).max(64).default([]).describe('Whose tokens say for which person a call is.'),
    agents: z.array(agentIssuer).max(64).default([]).describe('Whose tokens say which agent calls.'),
    devices: z.array(deviceIssuer).max(64).default([]).describe('Whose tokens say which device calls.'),
    granters: grantersSchema,
    grantsRequired: grantsRequiredSchema,
    events: z.array(eventTransmitter).max(16).default([]).describe('Who tells of what has ended since.'),
    scopes: z
      .array(scope)
      .max(32)
      .default([])
      .describe('What people are asked for who log in for this gateway: told to clients, never required.'),
    enrolment: enrolmentSchema
      .prefault({})
      .describe('Certificates that agents get here: countersign enroll.'),
    certificates: certificatesSchema.prefault({}).describe('Whose client certificates are believed.'),
    zones: z.record(zoneName, cidrs).default({}).describe('Networks by name. The longest prefix wins.'),
    trustedProxies: z
      .array(cidr)
      .default([])
      .describe('Who may say in X-Forwarded-For for whom it asks. Nobody unless told.'),
    commit: z
      .array(z.enum(committableFields))
      .default([])
      .describe('What statements commit to instead of stating it: personal data that has to be erasable.'),
  })
  .superRefine(({ humans, agents, devices, events }, context) => {
    const wrong = (path: readonly (string | number)[], message: string): void =>
      context.addIssue({ code: 'custom', path: [...path], message });
    for (const [kind, issuers] of Object.entries({ humans, agents, devices })) {
      for (const [at, each] of issuers.entries()) {
        const { issuer, tenant, tenants } = each;
        if (issuers.findIndex((other) => other.issuer === issuer) < at)
          wrong([kind, at, 'issuer'], 'another one before it has this name');
        if (tenant !== undefined && tenants !== undefined)
          wrong([kind, at, 'tenant'], 'is either one tenant, or tenants');
      }
    }
    for (const [at, { issuer }] of events.entries()) {
      if (events.findIndex((other) => other.issuer === issuer) < at)
        wrong(['events', at, 'issuer'], 'another one before it has this name');
    }
    for (const [kind, issuers] of Object.entries({ humans, devices })) {
      for (const [at, each] of issuers.entries()) {
        const { tenants, claims } = each;
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
