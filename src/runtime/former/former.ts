import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { hex } from '../../call/sha256.ts';
import { CountersignError } from '../../errors.ts';
import { endedLedger } from '../../ledger/ended-ledger.ts';
import { openLedgerCopy, type CopyAccess } from '../../ledger/ledger-copy-sqlite.ts';
import type { Ledger } from '../../ledger/ledger.ts';
import type { LogStore } from '../../ledger/store.ts';
import { anchorAt, envelopeUnder, type Anchor } from '../log/anchor.ts';
import type { NamedHead } from './backup.ts';
import type { HomeLayout } from '../home/home-layout.ts';
import { isOrigin } from './log-change.ts';
import type { Home } from '../home/open-home.ts';
import { withHome, type OpenedHome } from '../home/with-home.ts';

/** A log as a command reads it, whether it is the home's present one or one that has ended. */
export interface ReadLog {
  readonly origin: string;
  readonly ledger: Ledger;
  /** See `OpenedHome`. */
  readonly envelope: OpenedHome['envelope'];
}

/** The logs that this home began before its present one. */
export async function formerLogs({ layout }: Home): Promise<readonly NamedHead[]> {
  const origins = existsSync(layout.former)
    ? readdirSync(layout.former).filter((name) => isOrigin(name) && existsSync(ledgerOf(layout, name)))
    : [];
  return Promise.all(
    origins.map((origin) =>
      withStore(layout, origin, 'read', async (store) => {
        const { size, root } = await store.head();
        return { origin, treeSize: size, rootHash: hex(root) };
      }),
    ),
  );
}

/** Opens the log with this origin, a former one, or without it the home's present one. NOT_FOUND. */
export function withLog<T>(
  home: Home,
  former: string | undefined,
  use: (log: ReadLog) => Promise<T>,
): Promise<T> {
  if (former === undefined) {
    const { origin } = home.config;
    return withHome(home, ({ ledger, envelope }) => use({ origin, ledger, envelope }));
  }
  return withStore(home.layout, former, 'read', (store) => {
    const ledger = endedLedger(store);
    let anchor: Promise<Anchor> | undefined;
    const newest = async (): Promise<Anchor> => {
      const head = await ledger.checkpoint();
      return anchorAt(home, ledger, former, head?.text ?? '');
    };
    return use({
      origin: former,
      ledger,
      envelope: async (entry) => envelopeUnder(home, ledger, entry, await (anchor ??= newest())),
    });
  });
}

/** Opens the ledger of a former log for as long as `use` takes. */
export async function withStore<T>(
  layout: HomeLayout,
  origin: string,
  access: CopyAccess,
  use: (store: LogStore) => Promise<T>,
): Promise<T> {
  if (!isOrigin(origin) || !existsSync(ledgerOf(layout, origin))) {
    throw new CountersignError(
      'NOT_FOUND',
      `This home has no former log ${origin}. Those that it has: countersign log former`,
    );
  }
  const store = openLedgerCopy(ledgerOf(layout, origin), access);
  try {
    return await use(store);
  } finally {
    await store.close();
  }
}

/** Whether a backup took the place of a ledger that is kept beside it. */
export function hasSetAside({ former }: HomeLayout, origin: string): boolean {
  return existsSync(join(former, origin, 'set-aside.sqlite'));
}

function ledgerOf({ former }: HomeLayout, origin: string): string {
  return join(former, origin, 'ledger.sqlite');
}
