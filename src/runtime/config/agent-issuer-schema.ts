import { z } from 'zod';
import { isAgentName } from '../../identity/agent-id.ts';
import { agentPresets, type AgentPreset, type AgentPresetName } from '../../identity/tokens/agent-presets.ts';
import { algorithms, hourMs, lifetime, text, tokenIssuer } from './token-issuer-schema.ts';

const presetNames = Object.keys(agentPresets) as [AgentPresetName, ...AgentPresetName[]];

/** What an issuer calls an agent → its name. */
export const agentNames = z.record(
  text,
  z.string().refine(isAgentName, 'must be the name of an agent such as planner, or a whole SPIFFE ID'),
);

/** One entry of `identity.agents`: whose tokens say which agent calls. */
export const agentIssuer = z
  .strictObject({
    ...tokenIssuer,
    issuer: tokenIssuer.issuer.optional(),
    preset: z.enum(presetNames).default('generic').describe('What its tokens are like.'),
    algorithms: algorithms.optional(),
    agents: agentNames
      .optional()
      .describe(
        'What the token’s claim for the program says → the agent. Programs that are not here are none.',
      ),
    trustDomain: z
      .string()
      .regex(/^[a-z0-9._-]{1,255}$/, 'must be a SPIFFE trust domain such as example.org, without spiffe://')
      .optional()
      .describe('Of the preset spiffe, in place of issuer and agents: whose JWT-SVIDs name agents.'),
    maxLifetime: lifetime.default(24 * hourMs),
  })
  .superRefine((each, context) => {
    const wrong = (path: readonly string[], message: string): void =>
      context.addIssue({ code: 'custom', path: [...path], message });
    const { preset, agents, trustDomain, tenants, issuer } = each;
    const { names, tenant: tenantPlace, algorithms: fitting }: AgentPreset = agentPresets[preset];
    if (preset === 'spiffe') {
      if (trustDomain === undefined) wrong([], 'needs a trustDomain: whose JWT-SVIDs these are');
      if (issuer !== undefined) wrong(['issuer'], 'is not told by JWT-SVIDs; their trustDomain is');
      if (agents !== undefined) wrong(['agents'], 'are not mapped: a JWT-SVID names the agent itself');
      if (each.algorithms?.some((one) => !fitting.includes(one)) === true)
        wrong(['algorithms'], 'has one that JWT-SVIDs do not have: they are RSA or ECDSA');
    } else {
      if (issuer === undefined) wrong([], 'needs an issuer: the claim iss of its tokens');
      if (trustDomain !== undefined) wrong(['trustDomain'], 'is of the preset spiffe alone');
      if (agents === undefined) wrong([], 'needs agents: which of its programs are which agents');
    }
    for (const name of Object.keys(agents ?? {}))
      if (names?.pattern.test(name) === false) wrong(['agents', name], names.rule);
    if (tenants !== undefined && tenantPlace === undefined)
      wrong(['tenants'], 'are not told by tokens of this preset; give it a tenant');
  })
  .transform(({ issuer, agents = {}, ...each }) => ({
    ...each,
    issuer: issuer ?? `spiffe://${each.trustDomain ?? ''}`,
    agents,
    algorithms: each.algorithms ?? [...agentPresets[each.preset].algorithms],
  }));
