import { build } from 'esbuild';

/** Bundles TypeScript for where there is no Node, as a Worker's or a page's build does: a module without imports. */
export async function bundleForWeb(
  source: string,
  runtime: 'workerd' | 'browser',
): Promise<{ readonly code: string; readonly warnings: readonly string[] }> {
  const { outputFiles, warnings } = await build({
    stdin: { contents: source, loader: 'ts', resolveDir: import.meta.dirname },
    bundle: true,
    minify: true,
    write: false,
    // A module of Node's is an error here, and not left to a polyfill. The one name asks where there is no WebCrypto.
    platform: 'neutral',
    external: ['crypto'],
    mainFields: ['module', 'main'],
    conditions: runtime === 'workerd' ? ['workerd', 'worker', 'browser'] : ['browser'],
    format: 'esm',
    target: 'es2024',
    logLevel: 'silent',
  });
  return { code: outputFiles[0]?.text ?? '', warnings: warnings.map(({ text }) => text) };
}
