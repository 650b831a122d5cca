import { join } from 'node:path';
import { build } from 'esbuild';

/**
 * A TypeScript program as one file of JavaScript in this folder, for tests that start it more than once: over the sources it would
 * take a second of work each time.
 */
export async function bundledProgram(entry: string, folder: string): Promise<string> {
  const outfile = join(folder, 'program.mjs');
  const require =
    "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);";
  await build({
    entryPoints: [entry],
    outfile,
    bundle: true,
    platform: 'node',
    target: 'node24',
    format: 'esm',
    banner: { js: require },
    logLevel: 'silent',
  });
  return outfile;
}
