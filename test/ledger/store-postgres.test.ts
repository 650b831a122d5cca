import { afterAll, describe, it } from 'vitest';
import { createPostgresLedger } from '../../src/ledger/store-postgres-schema.ts';
import { parsePostgresUrl } from '../../src/ledger/store-postgres-url.ts';
import { openPostgresStore } from '../../src/ledger/store-postgres.ts';
import { describeLedger } from '../contract/ledger-contract.ts';
import { startPostgres } from '../support/postgres.ts';

const postgres = await startPostgres();

if (typeof postgres === 'string') {
  describe.skip(postgres, () => it('a ledger on PostgreSQL'));
} else {
  afterAll(() => postgres[Symbol.asyncDispose]());

  describeLedger('PostgreSQL', async ({ identity }) => {
    const address = parsePostgresUrl(postgres.url());
    await createPostgresLedger(address, identity);
    return {
      open: (as = identity) => openPostgresStore({ address, identity: as }),
      remove: async () => {
        await postgres.run(`DROP SCHEMA ${address.schema} CASCADE`);
      },
    };
  });
}
