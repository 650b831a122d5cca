/**
 * An agent is a SPIFFE ID (SPIFFE-ID §2). A configuration and an API key may call one of the home's own by its name alone, which is
 * the last segment: `planner` for `spiffe://TRUST-DOMAIN/agent/planner`.
 */

const spiffeId = /^spiffe:\/\/([a-z0-9._-]{1,255})((?:\/[A-Za-z0-9._-]+)+)$/;
const agentName = /^[A-Za-z0-9._-]{1,128}$/;

/** The trust domain of a SPIFFE ID that names a workload; undefined for every other text, one with `.` or `..` in its path included. */
export function trustDomainOf(id: string): string | undefined {
  if (id.length > 2_048) return undefined;
  const [, trustDomain, path = ''] = spiffeId.exec(id) ?? [];
  return path.split('/').some(isDots) ? undefined : trustDomain;
}

/** Whether a text can be resolved by `agentIdOf`. */
export function isAgentName(text: string): boolean {
  return (agentName.test(text) && !isDots(text)) || trustDomainOf(text) !== undefined;
}

/** The SPIFFE ID of an agent that is named by its last segment, or whole. */
export function agentIdOf(name: string, trustDomain: string): string {
  return name.startsWith('spiffe://') ? name : `spiffe://${trustDomain}/agent/${name}`;
}

function isDots(segment: string): boolean {
  return segment === '.' || segment === '..';
}
