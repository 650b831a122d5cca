import { existsSync } from 'node:fs';
import { CountersignError } from '../../errors.ts';
import { serverEntriesOfToml } from '../doctor/codex-servers.ts';
import { hostFiles, type HostFile, type WhereHostsAre } from '../doctor/host-files.ts';
import { isObject, serverEntriesOfJson, type ServerEntry } from '../doctor/host-servers.ts';
import type { AgentHost } from './agent-host.ts';
import { planEdit, type EditPlan } from './edit-file.ts';
import { editText, type Language } from './edit-text.ts';
import { jsonText } from './json-text.ts';
import { tomlText } from './toml-text.ts';

/** Which of a host's servers are meant. */
export interface Scope {
  readonly where: WhereHostsAre;
  /** `user`: the files of the user alone. `project`: what belongs to the project alone. */
  readonly only?: 'user' | 'project' | undefined;
}

/** A file of a host that is there, and those of its servers that are meant. */
export interface HostConfig {
  readonly file: HostFile;
  readonly text: string;
  readonly root: unknown;
  readonly entries: readonly ServerEntry[];
}

/** @throws CountersignError `CONFIG_INVALID` for a file that cannot be read: what it starts is not known. */
export function readHostConfigs({ title }: AgentHost, scope: Scope): readonly HostConfig[] {
  const files = hostFiles(scope.where).filter(({ host, path }) => host === title && existsSync(path));
  // Where the project is the home folder, one file is both.
  const once = files.filter(({ path }, at) => files.findIndex((file) => file.path === path) === at);
  return once.flatMap((file) => {
    const { before } = planEdit(file.path, (text) => text);
    const text = before.replace(/^\u{feff}/u, '');
    if (text.trim() === '') return [];
    const root = parse(file, text);
    const entries = entriesOf(file, root).filter((entry) => isMeant(file, entry, scope));
    return entries.length > 0 ? [{ file, text, root, entries }] : [];
  });
}

function isMeant({ scope: of }: HostFile, { project }: ServerEntry, { where, only }: Scope): boolean {
  if (only === 'project') return of === 'project' || project === where.project;
  return only === undefined || of === 'user';
}

/** What becomes of a file that is to say `wanted`. */
export function planConfig({ file, text }: HostConfig, wanted: unknown): EditPlan {
  return planEdit(file.path, (now) => {
    if (now !== text) throw invalid(file, 'has changed in the meantime: nothing is changed.');
    try {
      return editText(languageOf(file), text, wanted);
    } catch (error) {
      if (!(error instanceof CountersignError)) throw error;
      throw invalid(file, 'is written in a way that is not changed here: change it by hand.');
    }
  });
}

function languageOf({ format }: HostFile): Language {
  return format === 'json' ? jsonText : tomlText;
}

function entriesOf(file: HostFile, root: unknown): readonly ServerEntry[] {
  const entries = file.format === 'json' ? serverEntriesOfJson(root) : serverEntriesOfToml(root);
  if (entries === undefined)
    throw invalid(file, 'says something of MCP servers that is not understood here: change it by hand.');
  return entries;
}

function parse(file: HostFile, text: string): unknown {
  let root: unknown;
  try {
    root = languageOf(file).parse(text);
  } catch {
    // A parser's message may quote what it read.
    throw invalid(file, `is no ${file.format.toUpperCase()}: nothing is changed.`);
  }
  if (!isObject(root)) throw invalid(file, 'is no configuration: nothing is changed.');
  return root;
}

function invalid({ path, host }: HostFile, what: string): CountersignError {
  return new CountersignError('CONFIG_INVALID', `${path} (${host}) ${what}`);
}
