import { join } from 'node:path';
import { build } from 'esbuild';
import { expect, it } from 'vitest';
import { repository } from '../architecture/source.ts';

it('the witness’s application runs wherever Hono does: nothing of Node is left in it', async () => {
  // `neutral` makes a built-in module an error, instead of leaving it to a polyfill.
  const { warnings, metafile } = await build({
    entryPoints: [join(repository, 'src/witness/app.ts')],
    bundle: true,
    write: false,
    metafile: true,
    platform: 'neutral',
    mainFields: ['module', 'main'],
    conditions: ['workerd', 'worker', 'browser'],
    format: 'esm',
    target: 'es2024',
    logLevel: 'silent',
  });
  expect(warnings).toEqual([]);
  expect(Object.values(metafile.outputs).flatMap(({ imports }) => imports)).toEqual([]);
});
