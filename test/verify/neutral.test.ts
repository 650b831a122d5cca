import { build } from 'esbuild';
import { readFileSync } from 'node:fs';
import { createContext, runInContext } from 'node:vm';
import { describe, expect, it } from 'vitest';

/** The verifier is one source for Node, workerd and browsers: it may rely on nothing but the web platform. */
describe('the verifier, bundled for a browser', () => {
  it('verifies where there is only the web platform', async () => {
    const { outputFiles, metafile } = await build({
      stdin: {
        contents:
          "export { loadTrust } from './trust.ts'; export { verifyEnvelope } from './envelope.ts'; export { verifyInputs } from './verify.ts';",
        resolveDir: new URL('../../src/verify', import.meta.url).pathname,
      },
      bundle: true,
      write: false,
      metafile: true,
      platform: 'browser',
      format: 'iife',
      globalName: 'verifier',
      minify: true,
    });
    const inputs = Object.keys(metafile.inputs);
    expect(
      inputs.filter((file) =>
        /(?:^|\/)src\/(?:gate|ledger|runtime|envelope|identity|policy|targets)\//.test(file),
      ),
    ).toEqual([]);
    expect(inputs.filter((file) => file.includes('peculiar') || file.includes('node:'))).toEqual([]);

    // None of Node's globals: no Buffer, no process, no require.
    const platform = createContext({ crypto, TextEncoder, TextDecoder, atob, btoa, Uint8Array, ArrayBuffer });
    runInContext(outputFiles[0]?.text ?? '', platform);
    const vector = (name: string): Uint8Array =>
      new Uint8Array(readFileSync(new URL(`../vectors/envelope/${name}`, import.meta.url)));
    Object.assign(platform, {
      trustedRoot: vector('trusted_root.json'),
      good: vector('bundle02.json'),
      bad: vector('reject/t_tst.json'),
    });
    const script = `(async () => {
      const trust = await verifier.loadTrust(trustedRoot);
      const results = [await verifier.verifyEnvelope(good, trust), await verifier.verifyEnvelope(bad, trust)];
      return results.map(({ ok }) => ok);
    })()`;
    expect(JSON.stringify(await runInContext(script, platform))).toBe('[true,false]');
  });
});
