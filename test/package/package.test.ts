import { execFile, execFileSync, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { repository } from '../architecture/source.ts';
import { bytesBelow, installedPackages, manifest, packPackage, type Packed } from './packed.ts';

const run = promisify(execFile);
let packed: Packed;

const dependencies = Object.keys(manifest.dependencies);
const subpaths = Object.entries(manifest.exports).flatMap(([subpath, target]) =>
  typeof target === 'string' ? [] : [{ subpath, name: subpath.slice(2), ...target }],
);

beforeAll(() => {
  packed = packPackage();
});
afterAll(() => packed[Symbol.dispose]());

interface Imported {
  readonly names?: readonly string[];
  readonly code?: string;
  readonly message?: string;
}

/** What a program of the project gets when it imports this. */
async function importIn(project: string, name: string): Promise<Imported> {
  const script = `
    const found = await import(${JSON.stringify(['countersign', name].filter(Boolean).join('/'))}).then(
      (module) => ({ names: Object.keys(module) }),
      ({ code, message }) => ({ code, message }),
    );
    process.stdout.write(JSON.stringify(found), () => process.exit(0));`;
  const { stdout } = await run(process.execPath, ['--input-type=module', '-e', script], { cwd: project });
  return JSON.parse(stdout) as Imported;
}

/** What attw found in a resolution of ESM: it prints those that its profile ignores as well. */
function problemsOf(json: string): readonly unknown[] {
  const { problems } = JSON.parse(json) as {
    problems: Record<string, readonly { resolutionKind?: string }[]>;
  };
  return Object.values(problems)
    .flat()
    .filter(({ resolutionKind = '' }) => !['node10', 'node16-cjs'].includes(resolutionKind));
}

describe('the published package', () => {
  it('holds what its manifest names, and nothing of how it is made', () => {
    const named = subpaths.flatMap(({ types, default: file }) => [types, file]);
    const wanted = [...named, ...Object.values(manifest.bin), './LICENSE', './README.md'].map((path) =>
      path.slice(2),
    );
    expect(wanted.filter((path) => !packed.files.includes(path))).toEqual([]);
    expect(packed.files.some((path) => /^policies\/.+\.yaml$/.test(path))).toBe(true);
    const allowed = /^(?:dist|policies)\/|^(?:LICENSE|README\.md|package\.json)$/;
    expect(packed.files.filter((path) => !allowed.test(path))).toEqual([]);
    expect(packed.files.filter((path) => /(?:^|\/)(?:test|node_modules)\/|\.test\./.test(path))).toEqual([]);
  });

  it('has a command that runs from where it was unpacked', () => {
    const bin = join(packed.folder, manifest.bin['countersign'] ?? '');
    expect(execFileSync(process.execPath, [bin, '--version'], { encoding: 'utf8' })).toBe(
      `${manifest.version}\n`,
    );
    expect(readFileSync(bin, 'utf8')).toMatch(/^#!\/usr\/bin\/env node\n/);
  });

  it('is as publint wants it', async () => {
    const { messages } = await publint({
      pkgDir: packed.folder,
      pack: false,
      level: 'warning',
      strict: true,
    });
    expect(messages.map((message) => formatMessage(message, manifest, { color: false }))).toEqual([]);
  });

  it('has types that every ESM resolution finds', () => {
    const require = createRequire(import.meta.url);
    const attw = join(dirname(require.resolve('@arethetypeswrong/cli/package.json')), 'dist', 'index.js');
    const args = [attw, packed.tarball, '--profile', 'esm-only', '--format', 'json'];
    const { status, stdout } = spawnSync(process.execPath, args, { encoding: 'utf8', maxBuffer: 1 << 26 });
    expect({ status, problems: problemsOf(stdout) }).toEqual({ status: 0, problems: [] });
  });
});

describe('each way into the package', () => {
  it('loads without its framework, or says what to install, and then loads with exactly that', async () => {
    const alone = packed.project(dependencies);
    const judged = subpaths.map(async ({ name }) => {
      const { names, code, message } = await importIn(alone, name);
      if (names) return [name, names.length > 0];
      const [, at, words = ''] = /^countersign\/(\S+) needs .+: npm install (.+)$/.exec(message ?? '') ?? [];
      expect([code, at]).toEqual(['PEER_MISSING', name]);
      const installed = words.split(' ');
      expect(installed.filter((peer) => manifest.peerDependenciesMeta[peer]?.optional !== true)).toEqual([]);
      const found = await importIn(packed.project([...dependencies, ...installed]), name);
      return [name, (found.names ?? []).length > 0];
    });
    expect(await Promise.all(judged)).toEqual(subpaths.map(({ name }) => [name, true]));
  });
});

describe('what an installation takes', () => {
  it('is what docs/design/dependencies.md says, within a tenth', () => {
    const own = bytesBelow(packed.folder) / 1e6;
    const others =
      installedPackages().reduce((sum, path) => sum + bytesBelow(join(repository, path)), 0) / 1e6;
    const page = readFileSync(join(repository, 'docs/design/dependencies.md'), 'utf8');
    const [, packages, ownSaid, othersSaid] =
      /(\d+) packages with everything below .*?Unpacked, it takes ([\d.]+) MB of its own and ([\d.]+) MB of others/s.exec(
        page,
      ) ?? [];
    expect(Number(packages)).toBe(installedPackages().length);
    expect(Math.abs(Number(ownSaid) / own - 1), `own: ${own.toFixed(1)} MB`).toBeLessThan(0.1);
    expect(Math.abs(Number(othersSaid) / others - 1), `others: ${others.toFixed(1)} MB`).toBeLessThan(0.1);
  });
});
