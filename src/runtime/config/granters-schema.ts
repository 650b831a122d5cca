import { z } from 'zod';
import { isAgentName } from '../../identity/agent-id.ts';
import { grantAlgorithms, grantLimits, isGranterName } from '../../identity/grants/grant.ts';
import { granterKey } from '../../identity/grants/granter.ts';
import { text } from './token-issuer-schema.ts';

/** `identity.granters`: whose grants count, by their public keys. */

const publicJwk = z
  .json()
  .refine(
    (jwk) => granterKey(jwk) !== undefined,
    `must be a public JWK for ${grantAlgorithms.join(' or ')}: countersign grant key prints one`,
  );

const granter = z.strictObject({
  name: z
    .string()
    .refine(isGranterName, 'must be of letters, digits, dots, dashes, underscores and @, at most 128')
    .describe('The claim iss of the grants, and what verdicts say.'),
  keys: z.array(publicJwk).min(1).max(grantLimits.keys).describe('Public keys, as JWKs.'),
  tenant: text.default('default').describe('Whose agents the grants are for; default unless told.'),
  human: z
    .strictObject({ issuer: text, subject: text })
    .optional()
    .describe('The person that this is: their grants are for calls that are made for them, or for nobody.'),
});

export const grantersSchema = z
  .array(granter)
  .max(grantLimits.granters)
  .default([])
  .refine(
    (all) => new Set(all.map(({ name }) => name)).size === all.length,
    'names somebody twice: each granter has a name of their own',
  )
  .describe('Who may narrow for a task what an agent may: countersign grant.');

export const grantsRequiredSchema = z
  .array(z.string().refine(isAgentName, 'must be an agent: a name such as planner, or a SPIFFE ID'))
  .max(1_024)
  .default([])
  .describe('Agents whose calls count under a grant alone.');
