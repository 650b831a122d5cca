/** Everything that a ledger in PostgreSQL needs, behind one import: its driver is loaded with it, and only with it. */
export { claimPostgresInstance } from './instances-postgres.ts';
export { createPostgresLedger } from './store-postgres-schema.ts';
export { parsePostgresUrl } from './store-postgres-url.ts';
export { openPostgresStore } from './store-postgres.ts';
