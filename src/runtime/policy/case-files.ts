import { readdirSync, statSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { CountersignError, systemCode } from '../../errors.ts';
import { looksLikePack } from '../../policy/looks-like-pack.ts';
import { readPolicyFile } from './policy-files.ts';

/** What is to be tested; every path is relative to the current folder, or absolute outside of it. */
export interface FoundFiles {
  /** `NAME.cases.yaml`. */
  readonly cases: readonly string[];
  /** Packs in the folders, whether or not there are cases about them. */
  readonly packs: readonly string[];
}

const casesName = /\.cases\.ya?ml$/;
const yamlName = /\.ya?ml$/;

/** Files are cases, or packs with cases beside them; folders are searched whole. Throws POLICY_UNREADABLE. */
export function findCaseFiles(paths: readonly string[], cwd: string): FoundFiles {
  const cases = new Set<string>();
  const packs = new Set<string>();
  for (const path of paths) {
    const root = resolve(cwd, path);
    const files = isFolder(root, path)
      ? filesUnder(root)
      : [casesName.test(root) ? root : casesBeside(root, path)];
    for (const file of files.map((one) => shown(cwd, one))) {
      if (casesName.test(file)) cases.add(file);
      else if (isPack(file, cwd)) packs.add(file);
    }
  }
  if (cases.size === 0 && packs.size === 0) throw unreadable(`There are no cases in ${paths.join(', ')}.`);
  return { cases: [...cases].sort(), packs: [...packs].sort() };
}

/** As it is printed, and as it tells one file from another. */
export function shown(cwd: string, file: string): string {
  const path = relative(cwd, file);
  return path.startsWith('..') ? file : path;
}

/** Packs as they are given, those in folders too. Cases are for testing, and left out. Throws POLICY_UNREADABLE. */
export function findPacks(paths: readonly string[], cwd: string): readonly string[] {
  return paths.flatMap((path) => {
    if (isFolder(resolve(cwd, path), path)) return findCaseFiles([path], cwd).packs;
    return casesName.test(path) ? [] : [path];
  });
}

function isFolder(root: string, path: string): boolean {
  try {
    return statSync(root).isDirectory();
  } catch (error) {
    throw unreadable(`The file ${path} cannot be read (${systemCode(error)}).`);
  }
}

function casesBeside(pack: string, path: string): string {
  if (!yamlName.test(pack))
    throw unreadable(`The file ${path} is neither a pack nor cases: its name ends in .yaml.`);
  return pack.replace(yamlName, '.cases$&');
}

function filesUnder(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory())
      return entry.name.startsWith('.') || entry.name === 'node_modules' ? [] : filesUnder(path);
    // Mounted packs are links. Of a link to a folder nobody knows where it ends.
    const isFile = entry.isFile() || (entry.isSymbolicLink() && !isLinkToFolder(path));
    return isFile && yamlName.test(entry.name) ? [path] : [];
  });
}

function isLinkToFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}

/** Other YAML may lie beside packs. */
function isPack(file: string, cwd: string): boolean {
  return looksLikePack(readPolicyFile(resolve(cwd, file), file).text);
}

function unreadable(message: string): CountersignError {
  return new CountersignError('POLICY_UNREADABLE', message);
}
