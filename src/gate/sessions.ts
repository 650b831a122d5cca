import { fieldsOf } from '../envelope/committed-principal.ts';
import { statedPrincipal } from '../envelope/stated-principal.ts';
import { sessionOpen } from '../envelope/statements.ts';
import type { Principal } from '../identity/principal.ts';
import { closeSession } from './close-session.ts';
import { notarise } from './notary.ts';
import type { SharedGateParts } from './parts.ts';
import { createSessionChain, type SessionChain } from './session-chain.ts';

/** The sessions of this gate: one chain for each agent under one key. */
export interface Sessions {
  of(principal: Principal): SessionChain;
  close(): Promise<void>;
}

export function createSessions(parts: SharedGateParts): Sessions {
  const chains = new Map<string, SessionChain>();

  const start = (principal: Principal): SessionChain =>
    createSessionChain({
      id: crypto.randomUUID(),
      instance: parts.instance,
      ledger: parts.ledger,
      async open(link) {
        const time = parts.clock.now();
        const statement = sessionOpen({
          session: link,
          openedAt: time,
          mode: parts.mode,
          principal,
          unstated: fieldsOf(statedPrincipal(principal), parts.committed ?? []).map(({ pointer }) => pointer),
        });
        return { ...(await notarise(parts, 'sessionOpen', statement, time)), time };
      },
    });

  return {
    of(principal) {
      const { tenant, apiKeyId, agent, human } = principal;
      const key = JSON.stringify([
        tenant,
        apiKeyId,
        agent.value.id,
        human?.value.issuer,
        human?.value.subject,
      ]);
      let chain = chains.get(key);
      if (!chain) chains.set(key, (chain = start(principal)));
      return chain;
    },
    async close() {
      for (const chain of chains.values()) await closeSession(parts, chain);
    },
  };
}
