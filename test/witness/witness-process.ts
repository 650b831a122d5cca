/**
 * A witness in a process of its own, which takes submissions from standard input, a JSON string a line, and prints each answer
 * as one, so that a test can kill it at any moment and know what had been said. Argument: the witness's folder.
 */
import { createInterface } from 'node:readline';
import { openWitness } from '../../src/runtime/witness/witness.ts';
import { createWitnessApp } from '../../src/witness/app.ts';

const { name, signer, books } = openWitness(process.argv[2] ?? '');
const app = createWitnessApp({ name, signer, store: books, clock: Date });

for await (const line of createInterface({ input: process.stdin })) {
  const body: string = JSON.parse(line);
  const response = await app.request('/add-checkpoint', { method: 'POST', body });
  process.stdout.write(`${JSON.stringify({ status: response.status, text: await response.text() })}\n`);
}
