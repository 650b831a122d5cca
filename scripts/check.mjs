/** `npm run check`: types, rules and form, all three at once. Fails if one of them does. */
import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

const require = createRequire(import.meta.url);
const programs = [
  { name: 'typecheck', package: 'typescript-7', file: 'bin/tsc', args: ['--noEmit', '-p', 'tsconfig.json'] },
  { name: 'oxlint', package: 'oxlint', file: 'bin/oxlint', args: ['--quiet'] },
  { name: 'oxfmt', package: 'oxfmt', file: 'bin/oxfmt', args: ['--check', '.'] },
];

const codes = await Promise.all(programs.map(run));
process.exitCode = codes.every((code) => code === 0) ? 0 : 1;

/** Prints what the program has said once it has ended, so that the three do not speak at once. */
function run({ name, package: from, file, args }) {
  const program = join(dirname(require.resolve(`${from}/package.json`)), file);
  const child = spawn(process.execPath, [program, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  const said = [];
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => said.push(chunk));
  return new Promise((resolve) =>
    child.once('close', (code) => {
      process.stdout.write(`${name}: ${code === 0 ? 'ok' : `failed (${code})`}\n`);
      if (code !== 0) process.stdout.write(Buffer.concat(said));
      resolve(code);
    }),
  );
}
