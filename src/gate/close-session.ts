import { sessionClose } from '../envelope/statements.ts';
import { notarise } from './notary.ts';
import type { GateParts, NotaryParts } from './parts.ts';
import type { SessionChain } from './session-chain.ts';

/** Appends the closing statement of a session that was opened; it carries the count of all its statements. */
export async function closeSession(
  parts: NotaryParts & Pick<GateParts, 'mode'>,
  chain: SessionChain,
): Promise<void> {
  await chain.close(async (session) => {
    const time = parts.clock.now();
    const statement = sessionClose({ session, closedAt: time, count: session.seq + 1, mode: parts.mode });
    return { ...(await notarise(parts, 'sessionClose', statement, time)), time, side: [] };
  });
}
