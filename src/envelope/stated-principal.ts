import type { JsonObject } from '../call/json.ts';
import type { Attribute, Human, Principal } from '../identity/principal.ts';

/** Who called, for whom, from where, as a statement says it: only what was verified, only what is there. */
export function statedPrincipal(principal: Principal): JsonObject {
  const agent = verified(principal.agent);
  const human = verified(principal.human);
  const device = verified(principal.device);
  const network = verified(principal.network);
  return {
    apiKey: { id: principal.apiKeyId },
    ...(agent && { agent: { id: agent.id, issuer: agent.issuer, binding: agent.binding } }),
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
  };
}

function statedHuman({ issuer, subject, tenant, roles, groups, authTime }: Human): JsonObject {
  return {
    issuer,
    subject,
    tenant,
    roles: [...roles],
    ...(groups === undefined ? {} : { groups: [...groups] }),
    ...(authTime === undefined ? {} : { authTime: new Date(authTime * 1_000).toISOString() }),
  };
}

function verified<T>(attribute: Attribute<T> | undefined): T | undefined {
  return attribute?.verified ? attribute.value : undefined;
}
