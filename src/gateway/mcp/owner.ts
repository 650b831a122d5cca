import type { Principal } from '../../identity/principal.ts';

/** Whose a session, a task or a confirmation is: nobody else may use it, whatever its id. */
export function ownerOf({ tenant, apiKeyId, agent, human }: Principal): string {
  return JSON.stringify([tenant, apiKeyId, agent.value.id, human?.value.issuer, human?.value.subject]);
}
