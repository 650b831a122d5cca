import { join } from 'node:path';
import { createLedger } from '../../src/ledger/create-ledger.ts';
import type { LedgerOptions } from '../../src/ledger/create-ledger.ts';
import type { Ledger } from '../../src/ledger/ledger.ts';
import { forgetfulCheckpoints } from '../../src/ledger/released-checkpoint.ts';
import { createLedgerFile, openFile } from '../../src/ledger/store-sqlite-open.ts';
import type { LedgerFile } from '../../src/ledger/store-sqlite-open.ts';
import { sqliteStore } from '../../src/ledger/store-sqlite.ts';
import type { SqliteStoreOptions } from '../../src/ledger/store-sqlite.ts';
import { testLog } from './log-key.ts';
import type { TestLog } from './log-key.ts';

/** A log with its file, and the connection below the ledger, so that a test can get in between. */
export interface SqliteLog {
  readonly log: TestLog;
  readonly path: string;
  open(options?: Partial<LedgerOptions & SqliteStoreOptions>): Promise<{ ledger: Ledger; file: LedgerFile }>;
}

export function makeSqliteLog(directory: string): SqliteLog {
  const log = testLog();
  const path = join(directory, 'ledger.sqlite');
  createLedgerFile(path, log.identity);
  return { log, path, open: (options) => openSqliteLog(path, log, options) };
}

export async function openSqliteLog(
  path: string,
  log: TestLog,
  options: Partial<LedgerOptions & SqliteStoreOptions> = {},
): Promise<{ ledger: Ledger; file: LedgerFile }> {
  const { origin, signer, identity } = log;
  const file = openFile(path, identity);
  const store = sqliteStore(file, { path, identity, ...options });
  const ledger = await createLedger({ store, origin, signer, released: forgetfulCheckpoints(), ...options });
  return { ledger, file };
}
