import { execFileSync } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { repository } from '../architecture/source.ts';

/** The package as npm would publish it, unpacked. */
export interface Packed extends Disposable {
  readonly tarball: string;
  /** What is in it. */
  readonly folder: string;
  /** Paths in it, with forward slashes. */
  readonly files: readonly string[];
  /** A project that has the package and, of its dependencies, these, and can find no other. */
  project(dependencies: readonly string[]): string;
}

export interface Manifest {
  readonly version: string;
  readonly bin: Readonly<Record<string, string>>;
  readonly exports: Readonly<Record<string, string | { readonly types: string; readonly default: string }>>;
  readonly dependencies: Readonly<Record<string, string>>;
  readonly peerDependencies: Readonly<Record<string, string>>;
  readonly peerDependenciesMeta: Readonly<Record<string, { readonly optional: boolean }>>;
}

export const manifest = JSON.parse(readFileSync(join(repository, 'package.json'), 'utf8')) as Manifest;

export function packPackage(): Packed {
  const work = mkdtempSync(join(tmpdir(), 'countersign-package-'));
  const args = ['pack', '--json', '--ignore-scripts', '--offline', '--pack-destination', work];
  const said = execFileSync('npm', args, {
    cwd: repository,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const { filename, files } = onlyPack(JSON.parse(said));
  const tarball = join(work, filename);
  execFileSync('tar', ['-xzf', tarball, '-C', work]);
  let projects = 0;
  return {
    tarball,
    folder: join(work, 'package'),
    files: files.map(({ path }) => path),
    project(dependencies) {
      projects += 1;
      const project = join(work, `project-${projects}`);
      const modules = join(project, 'node_modules');
      mkdirSync(modules, { recursive: true });
      // Unpacked, not linked: what it imports is looked for beside it. The command is a bundle, and imports nothing.
      execFileSync('tar', ['-xzf', tarball, '-C', modules, '--exclude=package/dist/bin', '--exclude=*.map']);
      renameSync(join(modules, 'package'), join(modules, 'countersign'));
      for (const name of dependencies) {
        mkdirSync(dirname(join(modules, name)), { recursive: true });
        symlinkSync(join(repository, 'node_modules', name), join(modules, name));
      }
      return project;
    },
    [Symbol.dispose]: () => rmSync(work, { recursive: true, force: true }),
  };
}

interface PackReport {
  readonly filename: string;
  readonly files: readonly { readonly path: string }[];
}

/** One report in a list, or by the package's name in newer versions of npm. */
function onlyPack(said: unknown): PackReport {
  const [report] = Object.values(said as Record<string, PackReport>);
  if (report === undefined) throw new Error('npm pack made nothing.');
  return report;
}

/** What npm puts beside the package for whoever installs it, as paths in the repository. The frameworks are not of these. */
export function installedPackages(): readonly string[] {
  const lock = JSON.parse(readFileSync(join(repository, 'package-lock.json'), 'utf8')) as {
    readonly packages: Readonly<Record<string, { readonly dev?: boolean; readonly devOptional?: boolean }>>;
  };
  return Object.entries(lock.packages)
    .filter(([path, { dev, devOptional }]) => path !== '' && !dev && !devOptional)
    .map(([path]) => path);
}

/** Of all files in a folder; what is installed within it for it alone counts for itself. */
export function bytesBelow(folder: string): number {
  return readdirSync(folder, { withFileTypes: true }).reduce((sum, entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return entry.name === 'node_modules' ? sum : sum + bytesBelow(path);
    return entry.isFile() ? sum + statSync(path).size : sum;
  }, 0);
}
