import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { resolveFrom, wrongArrow } from './arrows.ts';
import { importsOf, parse, repository, sourcesUnder } from './source.ts';

const sources = sourcesUnder('src');
const imports = sources.flatMap(importsOf);
const adapterImports = sourcesUnder('adapters').flatMap(importsOf);

describe('the import arrows of src', () => {
  it('hold in every file, and every package has one owner', () => {
    expect(imports.flatMap((seen) => wrongArrow(seen) ?? [])).toEqual([]);
  });

  it('hold in every adapter', () => {
    expect(adapterImports.flatMap((seen) => wrongArrow(seen) ?? [])).toEqual([]);
  });

  it('are not circumvented by a specifier that is computed at run time', () => {
    expect(
      [...imports, ...adapterImports].filter(({ specifier }) => specifier.startsWith('computed:')),
    ).toEqual([]);
  });

  it('carry no package that is not a dependency of the published package', () => {
    const manifest = JSON.parse(readFileSync(join(repository, 'package.json'), 'utf8'));
    const dependencies = Object.keys(manifest.dependencies);
    const missing = imports.filter(({ specifier }) => {
      if (specifier.startsWith('.') || specifier.startsWith('node:')) return false;
      return !dependencies.some((name) => specifier === name || specifier.startsWith(`${name}/`));
    });
    expect(missing).toEqual([]);
  });

  it('name files with their extension, as they run', () => {
    const bare = sources
      .flatMap(importsOf)
      .filter(({ specifier: s }) => s.startsWith('.') && !/\.(?:ts|json)$/.test(s));
    expect(bare).toEqual([]);
  });
});

describe('what src/index.ts reaches', () => {
  it('imports no module of Node, however far away', () => {
    const reached = reachableFrom('src/index.ts');
    const node = reached
      .flatMap(importsOf)
      .filter((seen) => seen.specifier.startsWith('node:') && !seen.typeOnly);
    expect(node).toEqual([]);
  });
});

describe('what the verifier reaches', () => {
  const reached = reachableFrom(
    ...sources.map(({ path }) => path).filter((path) => path.startsWith('src/verify/')),
  );

  it('is parsers, hashes and trees: no code of ours that signs, stores or decides', () => {
    const readable =
      /^src\/(?:verify|call|tlog)\/|^src\/pki\/(?:parse-|der|oids)|^src\/envelope\/bundle-shape|^src\/[a-z]+\.ts$/;
    expect(reached.map(({ path }) => path).filter((path) => !readable.test(path))).toEqual([]);
  });

  it('needs no package beside hashes and Ed25519, and nothing of Node', () => {
    const outside = reached.flatMap(importsOf).filter(({ specifier }) => !/^(?:\.|@noble\/)/.test(specifier));
    expect(outside).toEqual([]);
  });
});

describe('the table itself', () => {
  const refused: Record<string, [from: string, specifier: string, names?: string[]]> = {
    'a target that knows the gate': ['src/targets/mcp.ts', '../gate/record.ts'],
    'a gateway that signs': ['src/gateway/mcp-stdio.ts', '../envelope/sign.ts'],
    'a gateway that picks a store': ['src/gateway/mcp-stdio.ts', '../ledger/store-sqlite.ts'],
    'a gate that picks a store': ['src/gate/record.ts', '../ledger/store-memory.ts'],
    'a gateway that mints a permit': ['src/gateway/mcp-stdio.ts', '../call/permit.ts', ['mintPermit']],
    'a target that mints its own permit': ['src/targets/mcp.ts', '../call/permit.ts', ['mintPermit']],
    'a permit minted elsewhere in the gate': ['src/gate/run.ts', '../call/permit.ts', ['mintPermit']],
    'a permit minted through a namespace': ['src/gate/run.ts', '../call/permit.ts', ['*']],
    'a permit redeemed by the gateway': ['src/gateway/mcp-stdio.ts', '../call/permit.ts', ['redeemPermit']],
    'a principal made outside identity': [
      'src/gate/run.ts',
      '../identity/principal.ts',
      ['verifiedPrincipal'],
    ],
    'a verifier that reaches a private key': ['src/verify/verify.ts', '../pki/authority.ts'],
    'a verifier that reads the ledger': ['src/verify/verify.ts', '../ledger/ledger.ts'],
    'a policy that knows the gate': ['src/policy/compile.ts', '../gate/gate.ts'],
    'a pure tree that reads a file': ['src/tlog/tree.ts', 'node:fs'],
    'a library that pulls in the runtime': ['src/index.ts', './runtime/node.ts'],
    'a room that imports a command': ['src/runtime/node.ts', '../cli/main.ts'],
    'a witness that reads a ledger': ['src/witness/app.ts', '../ledger/ledger.ts'],
    'a command that opens a witness’s state': ['src/cli/witness.ts', '../witness/state-sqlite.ts'],
    'a command that goes around runtime': ['src/cli/log.ts', '../ledger/store-sqlite.ts'],
    'a folder that is no room': ['src/util/misc.ts', '../call/call.ts'],
    'a test helper in the product': ['src/gate/run.ts', '../../test/fakes.ts'],
    'a package that nobody owns': ['src/gate/run.ts', 'lodash'],
    'an adapter that knows a gate': ['adapters/ai/index.ts', '../../src/index.ts'],
    'an adapter that knows another one': ['adapters/ai/index.ts', '../langchain/index.ts'],
    'an adapter of another framework': ['adapters/ai/index.ts', 'langchain'],
    'an adapter that runs on Node alone': ['adapters/ai/index.ts', 'node:async_hooks'],
    'a package in the wrong room': ['src/gate/run.ts', '@bufbuild/cel'],
  };
  it.each(Object.entries(refused))('refuses %s', (_title, [from, specifier, names = ['anything']]) => {
    expect(wrongArrow({ from, specifier, names, typeOnly: false })).toBeTypeOf('string');
  });

  const allowed: Record<string, [from: string, specifier: string, names?: string[]]> = {
    'record minting a permit': ['src/gate/record.ts', '../call/permit.ts', ['mintPermit']],
    'a target redeeming a permit': ['src/targets/mcp.ts', '../call/permit.ts', ['redeemPermit']],
    'everybody naming errors': ['src/tlog/tree.ts', '../errors.ts'],
    'runtime picking a witness’s store': ['src/runtime/witness.ts', '../witness/state-sqlite.ts'],
    'runtime picking a store': ['src/runtime/node.ts', '../ledger/store-sqlite.ts'],
    'verify parsing a certificate': ['src/verify/chain.ts', '../pki/parse-certificate.ts'],
    'a neighbour in the same room': ['src/gate/run.ts', './record.ts'],
  };
  it.each(Object.entries(allowed))('allows %s', (_title, [from, specifier, names = ['anything']]) => {
    expect(wrongArrow({ from, specifier, names, typeOnly: false })).toBeUndefined();
  });

  it('allows the shape of a statement to the ledger as a type, and only as one', () => {
    const seen = {
      from: 'src/ledger/append.ts',
      specifier: '../envelope/envelope.ts',
      names: ['SignedStatement'],
    };
    expect(wrongArrow({ ...seen, typeOnly: true })).toBeUndefined();
    expect(wrongArrow({ ...seen, typeOnly: false })).toBeTypeOf('string');
  });
});

describe('the scanner', () => {
  it.each([
    ["import { mintPermit as harmless } from '../call/permit.ts';", 'mintPermit'],
    ["export { mintPermit as harmless } from '../call/permit.ts';", 'mintPermit'],
    ["export * from '../call/permit.ts';", '*'],
    ["import * as permit from '../call/permit.ts';", '*'],
    ["const permit = await import('../call/permit.ts');", '*'],
    ['const permit = await import(`../call/permit.ts`);', '*'],
    ["type Mint = import('../call/permit.ts').mintPermit;", 'mintPermit'],
  ])('sees %s', (text, name) => {
    const [seen] = importsOf(parse('src/gate/run.ts', text));
    expect(seen).toMatchObject({ specifier: '../call/permit.ts', names: [name] });
  });

  it('calls an import a type import only when all of it is', () => {
    const texts = ["import type { A } from './a.ts';", "import { type A, b } from './a.ts';"];
    expect(texts.map((text) => importsOf(parse('src/gate/run.ts', text))[0]?.typeOnly)).toEqual([
      true,
      false,
    ]);
  });
});

/** The files that end up in a bundle of these entries: what is imported for more than its types. */
function reachableFrom(...entries: string[]): typeof sources {
  const byPath = new Map(sources.map((source) => [source.path, source]));
  const reached = new Set<string>();
  const queue = [...entries];
  for (let path = queue.pop(); path !== undefined; path = queue.pop()) {
    const source = byPath.get(path);
    if (source === undefined || reached.has(path)) continue;
    reached.add(path);
    for (const { specifier, typeOnly } of importsOf(source)) {
      if (specifier.startsWith('.') && !typeOnly) {
        queue.push(resolveFrom(path, specifier));
      }
    }
  }
  return [...reached].flatMap((path) => byPath.get(path) ?? []);
}
