import { join } from 'node:path';
import { createContext, Script } from 'node:vm';
import { build } from 'esbuild';
import type { BuildOptions, BuildResult } from 'esbuild';
import { beforeAll, describe, expect, it } from 'vitest';
import { mayUseNode } from '../architecture/arrows.ts';
import { repository, sourcesUnder } from '../architecture/source.ts';

/** What a Worker has and a bare `vm` context lacks. Nothing of Node: no process, no Buffer, no require. */
const workerGlobals = {
  AbortController,
  AbortSignal,
  atob,
  btoa,
  clearTimeout,
  console,
  crypto,
  CryptoKey,
  performance,
  queueMicrotask,
  ReadableStream,
  setTimeout,
  structuredClone,
  TextDecoder,
  TextEncoder,
  TransformStream,
  URL,
  URLSearchParams,
};

/** Minified. A Worker parses all of it at each cold start. */
const maxBytes = 1_000_000;

type Bundle = BuildResult<{ write: false; metafile: true }>;

/** Bundles as wrangler does. `neutral` makes a built-in module an error, instead of leaving it to a polyfill. */
function bundleForWorker(entry: Pick<BuildOptions, 'entryPoints' | 'stdin'>): Promise<Bundle> {
  return build({
    ...entry,
    bundle: true,
    minify: true,
    write: false,
    metafile: true,
    platform: 'neutral',
    mainFields: ['module', 'main'],
    conditions: ['workerd', 'worker', 'browser'],
    format: 'iife',
    globalName: 'countersign',
    target: 'es2024',
    logLevel: 'silent',
  });
}

/** Evaluates a bundle without Node, and where text cannot become code, as in workerd. The names it exports. */
function evaluate({ outputFiles: [file] }: Bundle): string[] {
  const context = createContext({ ...workerGlobals }, { codeGeneration: { strings: false, wasm: false } });
  new Script(file?.text ?? '').runInContext(context);
  return new Script('Object.keys(countersign)').runInContext(context) as string[];
}

/** `@hpke/common` asks for it where there is no global WebCrypto. Every runtime of ours has one, so it is never loaded. */
const neverLoaded = 'crypto';

function importsLeft({ metafile, outputFiles: [file] }: Bundle): string[] {
  const external = Object.values(metafile.outputs).flatMap(({ imports }) => imports.map(({ path }) => path));
  return [
    ...external.filter((path) => path !== neverLoaded),
    ...(file?.text.match(/["'`]node:[a-z_/]+["'`]/g) ?? []),
  ];
}

describe('src/index.ts, bundled for a Worker', () => {
  let bundle: Bundle;
  beforeAll(async () => {
    bundle = await bundleForWorker({ entryPoints: [join(repository, 'src/index.ts')] });
  });

  it('resolves everything without a warning, and leaves no import behind', () => {
    expect(bundle.warnings).toEqual([]);
    expect(importsLeft(bundle)).toEqual([]);
  });

  it('contains no store, composition root or command', () => {
    const inputs = Object.keys(bundle.metafile.inputs);
    expect(inputs.filter((path) => /src\/(?:runtime\/|cli\/|ledger\/store-)/.test(path))).toEqual([]);
  });

  it('stays below a size that a Worker starts quickly with', () => {
    expect(bundle.outputFiles[0]?.contents.length).toBeLessThan(maxBytes);
  });

  it('evaluates where Node is absent and no text becomes code', () => {
    const exported = evaluate(bundle);
    expect(exported).toEqual(
      expect.arrayContaining(['CountersignError', 'createGate', 'verifyInputs', 'auditLog']),
    );
    expect(exported).not.toContain('default');
  });

  it('confers nothing: neither a permit nor a principal can be made with what it exports', () => {
    const conferring = ['mintPermit', 'redeemPermit', 'verifiedPrincipal'];
    expect(evaluate(bundle).filter((name) => conferring.includes(name))).toEqual([]);
  });
});

describe('every file that has to run on Workers too, bundled at once', () => {
  it('leaves no import behind, and evaluates where Node is absent', async () => {
    const neutral = sourcesUnder('src').filter(({ path }) => !mayUseNode(path));
    const contents = neutral.map(({ path }, at) => `export * as file${at} from './${path}';`).join('\n');
    const bundle = await bundleForWorker({ stdin: { contents, resolveDir: repository } });
    expect(importsLeft(bundle)).toEqual([]);
    expect(evaluate(bundle)).toHaveLength(neutral.length);
  });
});
