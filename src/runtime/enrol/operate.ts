import { CountersignError } from '../../errors.ts';
import { toPem } from '../../pki/parse-pem.ts';
import type { Home } from '../home/open-home.ts';
import { withHome } from '../home/with-home.ts';
import { agentOfHome } from './agent-of-home.ts';
import { createJoinToken, type JoinToken } from './join-tokens.ts';
import { announceWorkloadAuthority, openWorkloadAuthority } from './workload-authority.ts';

/** What an operator does so that workloads can enrol. */

export interface NewJoinToken extends JoinToken {
  /** The token itself, shown once. */
  readonly text: string;
}

/**
 * A token by which one workload becomes this agent, within `lifetime` milliseconds. Makes the authority where there is none.
 * USAGE for an agent that the authority may not name.
 */
export async function newJoinToken(home: Home, agent: string, lifetime: number): Promise<NewJoinToken> {
  const { trustDomain, tenant } = home.config;
  const id = agentToCertify(agent, trustDomain);
  const { tokenKey, certificate } = await openWorkloadAuthority(home);
  return withHome(home, async (opened) => {
    await announceWorkloadAuthority(opened, certificate);
    const notAfter = Date.now() + lifetime;
    return createJoinToken(opened.recordChange, tokenKey, { agent: id, tenant, notAfter });
  });
}

/** The authority's certificate, PEM, and where it is kept. It is made where there is none. */
export async function authorityOfAgents(
  home: Home,
): Promise<{ readonly certificate: string; readonly file: string }> {
  const { certificate } = await openWorkloadAuthority(home);
  await withHome(home, (opened) => announceWorkloadAuthority(opened, certificate));
  return { certificate: toPem('CERTIFICATE', certificate), file: home.layout.workloadAuthority };
}

function agentToCertify(name: string, trustDomain: string): string {
  const id = agentOfHome(name, trustDomain);
  if (id !== undefined) return id;
  throw new CountersignError(
    'USAGE',
    `An agent of this home is a name such as “planner”, or spiffe://${trustDomain}/agent/planner.`,
  );
}
