/** `npm test`, once everything is built: the tests, and beside them what `npm run check` checks, as tests often wait. */
import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

const vitest = join(dirname(createRequire(import.meta.url).resolve('vitest/package.json')), 'vitest.mjs');

const [tests, checks] = await Promise.all([
  run(vitest, 'run', ...process.argv.slice(2)),
  run(join(import.meta.dirname, 'check.mjs')),
]);
// What it had to say has long gone by.
if (checks !== 0) process.stdout.write('npm run check failed: see above.\n');
process.exitCode = tests === 0 && checks === 0 ? 0 : 1;

function run(...args) {
  const child = spawn(process.execPath, args, { stdio: 'inherit' });
  return new Promise((resolve) => child.once('close', (code) => resolve(code ?? 1)));
}
