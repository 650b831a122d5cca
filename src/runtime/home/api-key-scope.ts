import { parseToolPattern } from '../../call/tool-pattern.ts';
import { agentIdOf, isAgentName } from '../../identity/agent-id.ts';
import { isCidr } from '../../identity/network.ts';

/**
 * What a key may be limited to, and how it has to be written: one set of rules for the command that makes a key and for whoever
 * reads its record. Each function says what is wrong as the end of a sentence, undefined when nothing is.
 */

const longestTenant = 255;

export function agentFault(text: string): string | undefined {
  return isAgentName(text)
    ? undefined
    : 'is no agent: a name of letters, digits, dots, dashes and underscores, such as planner, or a SPIFFE ID';
}

/** An agent of the home's own trust domain goes by its name, however it was given. */
export function shortAgentName(agent: string, trustDomain: string): string {
  const name = agent.split('/').at(-1) ?? agent;
  return isAgentName(name) && agentIdOf(name, trustDomain) === agent ? name : agent;
}

export function toolFault(text: string): string | undefined {
  try {
    parseToolPattern(text);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : 'is no pattern';
  }
}

export function networkFault(text: string): string | undefined {
  return isCidr(text)
    ? undefined
    : 'is no CIDR block, such as 10.20.0.0/16, or has bits set behind its prefix';
}

export function tenantFault(text: string): string | undefined {
  return text === '' || text.length > longestTenant || /[\s\p{Cc}\p{Cf}\p{Cs}]/u.test(text)
    ? `is no tenant: a text of 1 to ${longestTenant} characters without blanks`
    : undefined;
}
