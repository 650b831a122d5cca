/** Claims an instance in the directory of its first argument, forgets all but the id, collects garbage, and stays. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { claimInstance } from '../../src/ledger/instances-node.ts';

const { id } = claimInstance(process.argv[2] ?? '');
setInterval(() => undefined, 1_000);
setFlagsFromString('--expose-gc');
runInNewContext('gc')();
process.stdout.write(`${id}\n`);
