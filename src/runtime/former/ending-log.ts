import { hex, sha256 } from '../../call/sha256.ts';
import { CountersignError } from '../../errors.ts';
import { openLedgerCopy } from '../../ledger/ledger-copy-sqlite.ts';
import type { ToolRecord } from '../../ledger/ledger.ts';
import { extendsReleased } from '../../ledger/read-tree.ts';
import { openReleasedCheckpoints } from '../../ledger/released-checkpoint-node.ts';
import type { ReleasedCheckpoint } from '../../ledger/released-checkpoint.ts';
import type { LogHead, LogStore } from '../../ledger/store.ts';
import { leafHash } from '../../tlog/merkle.ts';
import { homeLogKeys, type NamedHead } from './backup.ts';
import { checkLedger, type CheckOptions } from './check-ledger.ts';
import type { HomeLayout } from '../home/home-layout.ts';
import { isOrigin } from './log-change.ts';
import { loggedState, type LoggedState } from './logged-state.ts';
import type { Home } from '../home/open-home.ts';

/** The newest tree head that the old log showed to somebody and that the restored ledger does not have. */
export type LostHead = Omit<NamedHead, 'origin'>;

/** A log that is to end, as its ledger holds it. */
export interface EndingLog {
  readonly head: LogHead;
  readonly state: LoggedState;
  readonly lost: LostHead | 'unknown' | undefined;
  readonly tools: readonly ToolRecord[];
}

/** Reads the ledger in a file: it must be this home's log, and whole. LEDGER_CORRUPT. */
export async function readEndingLog(
  home: Home,
  source: string,
  { onProgress }: Pick<CheckOptions, 'onProgress'>,
): Promise<EndingLog> {
  const store = openLedgerCopy(source);
  try {
    await assertOwn(home, store);
    const state = loggedState();
    const head = await checkLedger(store, {
      logKeys: await homeLogKeys(home.layout),
      see: (entry) => state.see(entry),
      ...(onProgress && { onProgress }),
    });
    const tools = (await store.tools()).filter(
      ({ definition, sha256: digest }) => hex(sha256(definition)) === digest,
    );
    return { head, state, tools, lost: await newestLost(home.layout, store, head) };
  } finally {
    await store.close();
  }
}

/** Origin and first entry: the key may have been rotated since the backup. */
async function assertOwn({ config }: Home, store: LogStore): Promise<void> {
  const [first] = await store.entries(0, 1);
  const genesis = first && hex(leafHash(first.leaf));
  if (store.identity.origin === config.origin && genesis === config.genesis && isOrigin(config.origin))
    return;
  throw new CountersignError(
    'LEDGER_CORRUPT',
    `This is the ledger of the log ${store.identity.origin}, and this home’s is ${config.origin}.`,
  );
}

/** What was shown to others and is not in the restored ledger is known by the heads that left the gates. */
async function newestLost(
  { released }: HomeLayout,
  store: LogStore,
  head: LogHead,
): Promise<LostHead | 'unknown' | undefined> {
  const record = openReleasedCheckpoints({ directory: released, instance: 'restore', isAlive: () => true });
  let shown: readonly ReleasedCheckpoint[];
  try {
    shown = await record.load();
  } catch {
    return 'unknown';
  }
  const missing: ReleasedCheckpoint[] = [];
  for (const checkpoint of shown) {
    if (!(await extendsReleased(store, head, checkpoint))) missing.push(checkpoint);
  }
  const [newest] = missing.toSorted((a, b) => b.size - a.size);
  return newest && { treeSize: newest.size, rootHash: hex(newest.root) };
}
