import { agentIdOf, isAgentName, trustDomainOf } from '../../identity/agent-id.ts';

/** Whether a home's authority may certify this SPIFFE ID. A gate’s name is none: its holder would be taken for the gate. */
export function isAgentOf(id: string, trustDomain: string): boolean {
  return trustDomainOf(id) === trustDomain && id.startsWith(`spiffe://${trustDomain}/agent/`);
}

/** The SPIFFE ID of an agent of this home that is named by its last segment, or whole; undefined for every other text. */
export function agentOfHome(name: string, trustDomain: string): string | undefined {
  const id = isAgentName(name) ? agentIdOf(name, trustDomain) : '';
  return isAgentOf(id, trustDomain) ? id : undefined;
}
