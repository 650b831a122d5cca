/** Claims an instance in the ledger at the URL of its first argument, says its id, and stays. */
import { randomUUID } from 'node:crypto';
import { claimPostgresInstance } from '../../src/ledger/instances-postgres.ts';
import { parsePostgresUrl } from '../../src/ledger/store-postgres-url.ts';

const { id } = await claimPostgresInstance(parsePostgresUrl(process.argv[2] ?? ''), randomUUID());
setInterval(() => undefined, 1_000);
process.stdout.write(`${id}\n`);
