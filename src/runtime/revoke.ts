import { CountersignError } from '../errors.ts';
import {
  lift,
  listRevocations,
  revoke,
  type RecordedRevocation,
  type Revoked,
  type RevokeParts,
  type Revoking,
} from '../gate/revoke.ts';
import { agentIdOf } from '../identity/agent-id.ts';
import { revocationKinds, type Revocation } from '../identity/revocation/revocation.ts';
import { listApiKeys, markRevoked, revokeApiKey } from './home/api-keys.ts';
import type { Home } from './home/open-home.ts';
import { withHome, type OpenedHome } from './home/with-home.ts';

export { revocationKinds };
export type { RecordedRevocation, Revocation, Revoked, Revoking };

/** What an operator takes back. An agent may be told by its name alone. */
export interface OperatorRevocation extends Revocation {
  readonly reason?: string;
}

/** An operator's word has no other proof than that they can run commands on the home. */
const by = 'operator';

/**
 * Takes something back in every gate of this home. NOT_FOUND for a key that the home does not have: everything else is known to others
 * alone, and may be revoked before anybody here has met it.
 */
export async function revokeInHome(home: Home, { reason, ...told }: OperatorRevocation): Promise<Revoking> {
  const order = { ...whole(home, told), by, ...(reason !== undefined && { reason }) } as const;
  if (order.kind === 'key') return revokeKey(home, order);
  return withHome(home, (opened) => revoke(partsOf(opened), order));
}

/** First in the file, so that the key is dead whatever becomes of the log; then what the log has of it. */
async function revokeKey(home: Home, order: Parameters<typeof revoke>[1]): Promise<Revoking> {
  assertKnown(home, order.id);
  await markRevoked(home.layout, order.id);
  const revoking = await withHome(home, (opened) => revoke(partsOf(opened), order));
  await revokeApiKey(home, order.id);
  return revoking;
}

/** Gives it back. False when it was not revoked. A key stays marked in the home's file, and so refused. */
export function liftInHome(home: Home, revoked: Revoked & { readonly reason?: string }): Promise<boolean> {
  return withHome(home, (opened) => lift(partsOf(opened), { ...whole(home, revoked), by }));
}

export function revocationsOfHome(home: Home): Promise<readonly RecordedRevocation[]> {
  return withHome(home, ({ ledger }) => listRevocations(ledger));
}

function whole<R extends Revoked>({ config }: Home, revoked: R): R {
  return revoked.kind === 'agent' && revoked.id !== ''
    ? { ...revoked, id: agentIdOf(revoked.id, config.trustDomain) }
    : revoked;
}

function partsOf({ ledger, recordChange }: OpenedHome): RevokeParts {
  return { ledger, recordChange, now: () => Date.now() };
}

function assertKnown({ layout }: Home, id: string): void {
  if (listApiKeys(layout).some((key) => key.id === id)) return;
  throw new CountersignError(
    'NOT_FOUND',
    'This home has no API key with that id. See: countersign key list. To stop an agent whatever key it has: countersign revoke agent NAME',
  );
}
