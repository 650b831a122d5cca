import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { CountersignError } from '../../../errors.ts';
import { planEdit, type EditPlan } from '../../hosts/edit-file.ts';
import { editText } from '../../hosts/edit-text.ts';
import { jsonText } from '../../hosts/json-text.ts';
import {
  hookFiles,
  type HookEntry,
  type HookFiles,
  type HookScope,
  type WhereHooksAre,
} from './hook-files.ts';
import { isHookLine } from './hook-line.ts';

export interface HookPlanOptions {
  readonly host: string;
  readonly where: WhereHooksAre;
  readonly scope: HookScope;
}

/** What becomes of one file. */
export interface HookPlan {
  readonly edit: EditPlan;
  /** A program of its own has to be one that can be started. */
  readonly isProgram: boolean;
  /** Nothing but what was ours is left: the file goes away. */
  readonly isGone: boolean;
}

/** @throws CountersignError `CONFIG_INVALID` for a file that cannot be understood: nothing is planned then. */
export function planHooks(line: string, { host, where, scope }: HookPlanOptions): readonly HookPlan[] {
  const files = filesOf(host);
  if (files.kind === 'programs')
    return files.events.map((event) => planProgram(join(files.folder(where, scope), event), line, host));
  const entries = files.entries(line);
  const edit = planEdit(files.path(where, scope), (text) => {
    const { base, settings } = files;
    if (text.trim() === '') return printed({ ...base, ...settings, hooks: withHooks({}, entries, host) });
    const { root, hooks } = read(text);
    return editText(jsonText, text, {
      ...base,
      ...root,
      ...settings,
      hooks: withHooks(hooks, entries, host),
    });
  });
  return [{ edit, isProgram: false, isGone: false }];
}

/** What `planHooks` has put there, and nothing else, is taken away. */
export function planNoHooks({ host, where, scope }: HookPlanOptions): readonly HookPlan[] {
  const files = filesOf(host);
  if (files.kind === 'programs')
    return files.events.flatMap((event) => planNoProgram(join(files.folder(where, scope), event), host));
  let isGone = false;
  const edit = planEdit(files.path(where, scope), (text) => {
    if (text.trim() === '') return text;
    const { root, hooks } = read(text);
    const left = withoutHooks(hooks, host);
    const hadOurs = !isDeepStrictEqual(left, hooks);
    const { hooks: _, ...others } = root;
    const isEmpty = Object.keys(left).length === 0;
    isGone = files.isOurs && hadOurs && isEmpty && isDeepStrictEqual(others, files.base);
    if (!hadOurs) return text;
    return editText(jsonText, text, isEmpty ? others : { ...root, hooks: left });
  });
  return edit.isNew ? [] : [{ edit, isProgram: false, isGone }];
}

type Hooks = Readonly<Record<string, readonly unknown[]>>;
type Table = Readonly<Record<string, unknown>>;

function filesOf(host: string): HookFiles {
  const files = hookFiles[host];
  if (files === undefined) throw new CountersignError('USAGE', `There is no host “${host}”.`);
  return files;
}

function read(text: string): { readonly root: Table; readonly hooks: Hooks } {
  let root: unknown;
  try {
    root = jsonText.parse(text);
  } catch {
    throw invalid('it is no JSON.');
  }
  if (!isTable(root)) throw invalid('it is no object.');
  const hooks = root['hooks'] ?? {};
  if (!isTable(hooks)) throw invalid('its “hooks” is no object.');
  for (const [event, list] of Object.entries(hooks))
    if (!Array.isArray(list)) throw invalid(`its “hooks.${event.slice(0, 40)}” is no list.`);
  return { root, hooks: hooks as Hooks };
}

/** Ours is put last, unless it stands there already exactly so: what a person has put in order stays in it. */
function withHooks(hooks: Hooks, entries: readonly HookEntry[], host: string): Hooks {
  const wanted = new Map(
    entries.map(({ event, matcher, entry }) => [
      event,
      matcher === undefined ? entry : { ...(matcher !== '' && { matcher }), hooks: [entry] },
    ]),
  );
  const others = withoutHooks(hooks, host, wanted);
  const added = [...wanted].map(([event, entry]): [string, readonly unknown[]] => {
    const list = others[event] ?? [];
    return [event, list.some((each) => isDeepStrictEqual(each, entry)) ? list : [...list, entry]];
  });
  return { ...others, ...Object.fromEntries(added) };
}

/** `kept`: what may stay as it is, by its event. */
function withoutHooks(hooks: Hooks, host: string, kept?: ReadonlyMap<string, unknown>): Hooks {
  const left = Object.entries(hooks).map(([event, list]): [string, readonly unknown[]] => {
    const rest = list.flatMap((each) =>
      isDeepStrictEqual(each, kept?.get(event)) ? [each] : withoutOurs(each, host),
    );
    return [event, rest];
  });
  return Object.fromEntries(left.filter(([event, list]) => list.length > 0 || hooks[event]?.length === 0));
}

/** A list of what is left of an entry: it itself, it with fewer hooks, or nothing. */
function withoutOurs(entry: unknown, host: string): readonly unknown[] {
  if (!isTable(entry)) return [entry];
  if ([entry['command'], entry['bash']].some((line) => isHookLine(line, host))) return [];
  const { hooks } = entry;
  if (!Array.isArray(hooks)) return [entry];
  const rest = hooks.flatMap((each: unknown) => withoutOurs(each, host));
  if (rest.length === hooks.length) return [entry];
  return rest.length === 0 ? [] : [{ ...entry, hooks: rest }];
}

const shebang =
  '#!/bin/sh\n# Made by countersign hook install; countersign hook uninstall takes it away.\nexec ';

function planProgram(path: string, line: string, host: string): HookPlan {
  const edit = planEdit(path, (text) => {
    if (text !== '' && !isOurProgram(text, host))
      throw new CountersignError(
        'CONFIG_INVALID',
        `There is another hook at ${path}, and ${host} takes one alone: have it call “${line}”, and exit as that does.`,
      );
    return `${shebang}${line}\n`;
  });
  return { edit, isProgram: true, isGone: false };
}

function planNoProgram(path: string, host: string): readonly HookPlan[] {
  const edit = planEdit(path, (text) => text);
  return isOurProgram(edit.before, host) ? [{ edit, isProgram: true, isGone: true }] : [];
}

function isOurProgram(text: string, host: string): boolean {
  return text.startsWith(shebang) && isHookLine(text.slice(shebang.length).trim(), host);
}

function printed(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

function isTable(value: unknown): value is Table {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function invalid(what: string): CountersignError {
  return new CountersignError(
    'CONFIG_INVALID',
    `The host’s configuration is not understood, and left alone: ${what}`,
  );
}
