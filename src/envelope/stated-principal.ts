import type { JsonObject } from '../call/json.ts';
import type { Actor, Attribute, Human, Principal } from '../identity/principal.ts';

/**
 * Who called, for whom, from where, as a statement says it: only what was verified, only what is there. Never a token, nor anything by
 * which one could be used.
 */
export function statedPrincipal(principal: Principal): JsonObject {
  const agent = verified(principal.agent);
  const human = verified(principal.human);
  const device = verified(principal.device);
  const network = verified(principal.network);
  const { limits = [], grants = [] } = principal;
  return {
    apiKey: { id: principal.apiKeyId },
    ...(agent && {
      agent: {
        id: agent.id,
        issuer: agent.issuer,
        binding: agent.binding,
        source: principal.agent.source,
      },
    }),
    ...(human && { human: statedHuman(human) }),
    ...(device && {
      device: { id: device.id, trust: device.trust, source: principal.device?.source ?? '' },
    }),
    ...(network && {
      network: {
        ...(network.ip === undefined ? {} : { ip: network.ip }),
        zone: network.zone,
        source: principal.network?.source ?? '',
      },
    }),
    ...(limits.length > 0 && { limits: limits.map(({ by, tools }) => ({ by, tools: [...tools] })) }),
    ...(grants.length > 0 && { grants: grants.map(statedGrant) }),
  };
}

function statedHuman(human: Human): JsonObject {
  const { issuer, subject, tenant, roles, groups, clientId, scopes, acr, amr, sid, act, binding } = human;
  return {
    issuer,
    subject,
    tenant,
    roles: [...roles],
    ...(groups && { groups: [...groups] }),
    ...instantOf('authTime', human.authTime),
    ...instantOf('issuedAt', human.issuedAt),
    ...(clientId !== undefined && { clientId }),
    ...(scopes && { scopes: [...scopes] }),
    ...(acr !== undefined && { acr }),
    ...(amr && { amr: [...amr] }),
    ...(sid !== undefined && { sid }),
    ...(act && { act: act.map(statedActor) }),
    binding,
  };
}

function statedActor({ issuer, subject }: Actor): JsonObject {
  return { ...(issuer !== undefined && { issuer }), subject };
}

type Granted = NonNullable<Principal['grants']>[number];

/** Who left what to whom, and by which bytes: not what the person asked for, which is theirs. */
function statedGrant({ id, issuer, subject, sha256, expiresAt }: Granted): JsonObject {
  return { id, issuer, subject, sha256, expiresAt: new Date(expiresAt).toISOString() };
}

function instantOf(name: string, seconds: number | undefined): JsonObject {
  return seconds === undefined ? {} : { [name]: new Date(seconds * 1_000).toISOString() };
}

function verified<T>(attribute: Attribute<T> | undefined): T | undefined {
  return attribute?.verified ? attribute.value : undefined;
}
