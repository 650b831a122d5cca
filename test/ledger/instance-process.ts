/** Claims an instance in the directory of its first argument, prints the id, and stays. */
import { claimInstance } from '../../src/ledger/instances-node.ts';

const { id } = claimInstance(process.argv[2] ?? '');
process.stdout.write(`${id}\n`);
setInterval(() => undefined, 1_000);
