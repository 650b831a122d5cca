import { memoryStore } from '../../src/ledger/store-memory.ts';
import { describeLedger } from '../contract/ledger-contract.ts';

describeLedger('the memory store', async ({ identity }) => {
  const store = memoryStore(identity);
  return { open: async () => store, remove: () => undefined };
});
