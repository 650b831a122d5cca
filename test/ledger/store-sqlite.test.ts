import { join } from 'node:path';
import { createLedgerFile } from '../../src/ledger/store-sqlite-open.ts';
import { openSqliteStore } from '../../src/ledger/store-sqlite.ts';
import { describeLedger } from '../contract/ledger-contract.ts';
import { removeDirectory, temporaryDirectory } from './temporary-directory.ts';

describeLedger('SQLite', async ({ identity }) => {
  const directory = temporaryDirectory();
  const path = join(directory, 'ledger.sqlite');
  createLedgerFile(path, identity);
  return {
    // A small bound, so that the checkpointer's thread takes part.
    open: (as = identity) => openSqliteStore({ path, identity: as, checkpointAfter: 256 * 1024 }),
    remove: () => removeDirectory(directory),
  };
});
