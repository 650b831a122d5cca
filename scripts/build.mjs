// Builds dist/: the library as one file a module with its types, and the command as a bundle. The command starts with
// every agent host, and loading a few hundred small files takes longer than everything else that it does then.
import { spawnSync } from 'node:child_process';
import { chmodSync, renameSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const at = (...parts) => join(root, ...parts);
const tsc = join(dirname(createRequire(import.meta.url).resolve('typescript-7/package.json')), 'bin', 'tsc');

rmSync(at('dist'), { recursive: true, force: true });
const { status } = spawnSync(process.execPath, [tsc, '-p', at('tsconfig.build.json')], { stdio: 'inherit' });
if (status !== 0) process.exit(status ?? 1);

const programs = {
  countersign: at('src/cli/main.ts'),
  'store-sqlite-checkpointer-worker': at('src/ledger/store-sqlite-checkpointer-worker.ts'),
};
await build({
  entryPoints: programs,
  outdir: at('dist/bin'),
  bundle: true,
  splitting: true,
  platform: 'node',
  target: 'node24',
  // jsonc-parser's `main` is UMD, which asks for its own files in a way that no bundler follows.
  mainFields: ['module', 'main'],
  // Shares packages with what signs certificates, and would have them loaded before the polyfill that they need. It is asked for
  // where a passkey is used, and nowhere else.
  external: ['@simplewebauthn/server'],
  format: 'esm',
  // For each of a hundred files called .js Node looks through package.json what it is: a tenth of a start.
  outExtension: { '.js': '.mjs' },
  // V8 reads what is loaded from end to end. Names stay, for whoever reads a profile.
  minifySyntax: true,
  minifyWhitespace: true,
  sourcemap: true,
  legalComments: 'linked',
  logLevel: 'warning',
  // Dependencies in CommonJS ask for the built-in modules with `require`.
  banner: {
    js: "import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);",
  },
});
// The programs themselves are called as package.json and hosts know them.
for (const name of Object.keys(programs)) renameSync(at(`dist/bin/${name}.mjs`), at(`dist/bin/${name}.js`));
chmodSync(at('dist/bin/countersign.js'), 0o755);
