import { noBallast, type Ballast } from '../../ledger/ballast.ts';
import { ballastFile } from '../../ledger/ballast-node.ts';
import type { Instance } from '../../ledger/instance.ts';
import { claimInstance, isAlive, livingInstances, sweepInstances } from '../../ledger/instances-node.ts';
import { createLedgerFile } from '../../ledger/store-sqlite-open.ts';
import { openSqliteStore } from '../../ledger/store-sqlite.ts';
import type { LogIdentity, LogStore } from '../../ledger/store.ts';
import { CountersignError } from '../../errors.ts';
import type { Home } from './open-home.ts';

/** Where a home's ledger is, and how the gates that share it know of each other. */
export interface LedgerPlace {
  /** Makes the empty ledger. Never replaces one: HOME_EXISTS. */
  create(identity: LogIdentity): Promise<void>;
  /** Makes this process an instance among all that share the ledger. */
  claim(): Promise<ClaimedInstance>;
  openStore(identity: LogIdentity): Promise<LogStore>;
  readonly ballast: Ballast;
}

export interface ClaimedInstance {
  readonly instance: Instance;
  /** Among all gates of the log, wherever they run. */
  readonly isAlive: (id: string) => boolean | Promise<boolean>;
  /** Among those that share this folder, and so its released checkpoints. */
  readonly isAliveHere: (id: string) => boolean;
  /** Forgets the instances that are dead. */
  readonly sweep: () => Promise<void>;
  /** The ids of all gates and commands that have the log open, this one too, wherever they run. */
  readonly living: () => Promise<readonly string[]>;
}

/** A file of the home, or the database that the home or its operator names. The driver loads only where it is needed. */
export async function ledgerPlace(home: Home): Promise<LedgerPlace> {
  const recorded = home.config.ledger;
  if (recorded === undefined && home.ledger === undefined) return filePlace(home);
  if (recorded === undefined)
    throw new CountersignError(
      'CONFIG_INVALID',
      'This home keeps its ledger in a file. A ledger elsewhere is chosen when a home is made: countersign init --ledger URL.',
    );
  return postgresPlace(home, home.ledger ?? recorded);
}

function filePlace({ layout }: Home): LedgerPlace {
  return {
    create: async (identity) => createLedgerFile(layout.ledger, identity),
    claim: async () => claimHere(layout.instances),
    openStore: (identity) => openSqliteStore({ path: layout.ledger, identity }),
    ballast: ballastFile(layout.ballast),
  };
}

async function postgresPlace({ layout }: Home, url: string): Promise<LedgerPlace> {
  const { claimPostgresInstance, createPostgresLedger, openPostgresStore, parsePostgresUrl } =
    await import('../../ledger/postgres.ts');
  const address = parsePostgresUrl(url);
  return {
    create: (identity) => createPostgresLedger(address, identity),
    async claim() {
      // The same id twice: its file says to the processes of this home whose released checkpoints are in use.
      const here = claimHere(layout.instances);
      try {
        const shared = await claimPostgresInstance(address, here.instance.id);
        return { ...here, ...both(here, shared) };
      } catch (error) {
        await here.instance.release();
        throw error;
      }
    },
    openStore: (identity) => openPostgresStore({ address, identity }),
    ballast: noBallast,
  };
}

function claimHere(directory: string): ClaimedInstance {
  const isAliveHere = (id: string): boolean => isAlive(directory, id);
  return {
    instance: claimInstance(directory),
    isAlive: isAliveHere,
    isAliveHere,
    sweep: async () => void sweepInstances(directory),
    living: async () => livingInstances(directory),
  };
}

type SharedInstance = Instance & {
  isAlive(id: string): Promise<boolean>;
  sweep(): Promise<void>;
  living(): Promise<readonly string[]>;
};

function both(here: ClaimedInstance, shared: SharedInstance): Omit<ClaimedInstance, 'isAliveHere'> {
  return {
    instance: {
      id: shared.id,
      stillMine: () => here.instance.stillMine() && shared.stillMine(),
      async release() {
        await shared.release();
        await here.instance.release();
      },
    },
    isAlive: (id) => shared.isAlive(id),
    async sweep() {
      await here.sweep();
      await shared.sweep();
    },
    living: () => shared.living(),
  };
}
