import type { Json } from '../../call/json.ts';
import { revoke } from '../../gate/revoke.ts';
import type { ApiKeyRecord } from '../../identity/api-key.ts';
import { scopeOf } from './api-key-mint.ts';
import { readMovedLog } from './moved-log.ts';
import type { Home } from './open-home.ts';
import { withHome, type OpenedHome } from './with-home.ts';

/** What happened to a key, as the log states it: its id and what it is for, never its digest. */
export interface ApiKeyChange {
  readonly kind: 'api-key-created' | 'api-key-rotated' | 'api-key-revoked';
  readonly key: ApiKeyRecord;
  /** The key that takes its place. */
  readonly successor?: ApiKeyRecord;
}

/** Signs the change and appends it to the log. Resolves to false, with nothing stated, where the log is kept by a Worker. */
export function stateApiKeyChange(home: Home, change: ApiKeyChange): Promise<boolean> {
  return inLog(home, (opened) => append(opened, change));
}

/**
 * The same for a revocation: first what ends the key's calls that run, in every gate of this log, and then the statement of the key,
 * each unless the log has it already.
 */
export function stateApiKeyRevocation(home: Home, key: ApiKeyRecord): Promise<boolean> {
  return inLog(home, async (opened) => {
    const order = { kind: 'key', id: key.id, by: 'operator' } as const;
    await revoke({ ...opened, now: () => Date.now() }, order);
    const change = { kind: 'api-key-revoked', key } as const;
    if ((await headOf(opened, key)) !== change.kind) await append(opened, change);
  });
}

async function inLog(home: Home, use: (opened: OpenedHome) => Promise<void>): Promise<boolean> {
  if (readMovedLog(home.layout) !== undefined) return false;
  await withHome(home, use);
  return true;
}

/** A head for each key says what was stated of it last, so that no other statement of it can come in between. */
async function append(opened: OpenedHome, { kind, key, successor }: ApiKeyChange): Promise<void> {
  const own = { key: headKey(key), value: await headOf(opened, key) };
  await opened.recordChange({
    change: { kind, ...stated(key), ...(successor && { successor: stated(successor) }) },
    expects: [own, ...(successor ? [{ key: headKey(successor), value: null }] : [])],
    sets: [
      { key: own.key, value: kind },
      ...(successor ? [{ key: headKey(successor), value: 'api-key-created' }] : []),
    ],
  });
}

async function headOf({ ledger }: OpenedHome, key: ApiKeyRecord): Promise<string | null> {
  const name = headKey(key);
  return (await ledger.heads([name])).get(name) ?? null;
}

function headKey({ id }: ApiKeyRecord): string {
  return `api-key/${id}`;
}

function stated(key: ApiKeyRecord): Record<string, Json> {
  const { tenant, agents, tools, cidrs, notAfter } = scopeOf(key);
  return {
    id: key.id,
    tenant,
    agents: [...agents],
    ...(tools && { tools: [...tools] }),
    ...(cidrs && { cidrs: [...cidrs] }),
    ...(notAfter !== undefined && { notAfter }),
  };
}
