import { build } from 'esbuild';

export interface BundleOptions {
  readonly entry: string;
  /** Modules by the name they are imported by, and what to take in their place. */
  readonly alias?: Readonly<Record<string, string>>;
  /** Whether Node's modules, and the platform's own, may be imported: it has them where it is told to be compatible. */
  readonly node?: boolean;
}

/** Bundles a Worker as wrangler does: text of YAML files as modules, and nothing of Node's unless asked for. */
export async function bundleWorker({ entry, alias = {}, node = false }: BundleOptions): Promise<string> {
  const { outputFiles, warnings } = await build({
    entryPoints: [entry],
    bundle: true,
    minify: true,
    keepNames: true,
    write: false,
    platform: 'neutral',
    alias: { ...alias },
    // The one name is asked for where there is no WebCrypto, and so never.
    external: ['crypto', ...(node ? ['node:*', 'cloudflare:*'] : [])],
    loader: { '.yaml': 'text' },
    mainFields: ['module', 'main'],
    conditions: ['workerd', 'worker', 'browser'],
    format: 'esm',
    target: 'es2024',
    logLevel: 'silent',
  });
  if (warnings.length > 0) throw new Error(warnings.map(({ text }) => text).join('\n'));
  return outputFiles[0]?.text ?? '';
}
