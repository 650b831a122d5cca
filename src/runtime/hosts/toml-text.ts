import { parse } from 'smol-toml';
import { isObject } from '../doctor/host-servers.ts';
import { valueAt, type Change, type Path } from './changes.ts';
import type { Language } from './edit-text.ts';
import { dropFront, prependItems } from './list-text.ts';
import { elementsOf, statementsOf, type Statement } from './toml-statements.ts';

/** TOML, of which only what is written as tables with pairs is changed. */
export const tomlText: Language = { parse, change: changeToml };

function changeToml(text: string, change: Change, wanted: unknown): string | undefined {
  const statements = statementsOf(text);
  const pair = statements.find(({ kind, path }) => kind === 'pair' && isSame(path, change.path));
  if (change.kind === 'set' || pair === undefined)
    return setValue(text, { path: change.path, statements, pair }, wanted);
  if (text[pair.value] !== '[') return undefined;
  const list = { open: pair.value, starts: elementsOf(text, pair.value) };
  return change.kind === 'prepend'
    ? prependItems(text, list, change.items.map(quoted))
    : dropFront(text, list, change.count);
}

interface Place {
  readonly path: Path;
  readonly statements: readonly Statement[];
  readonly pair: Statement | undefined;
}

function setValue(text: string, { path, statements, pair }: Place, wanted: unknown): string | undefined {
  const value = valueAt(wanted, path);
  if (pair && value !== undefined) return replaceValue(text, pair, value);
  // An element of a list, or a key of an inline table: what it belongs to is written anew.
  const around = statements.findLast(
    (each) =>
      each.kind === 'pair' && each.path && each.path.length < path.length && startsWith(path, each.path),
  );
  if (!pair && around?.path) return replaceValue(text, around, valueAt(wanted, around.path));
  if (value === undefined)
    return takeOut(
      text,
      statements.filter((each) => each.path && startsWith(each.path, path)),
    );
  return insert(text, statements, { path, value });
}

function replaceValue(text: string, pair: Statement, value: unknown): string | undefined {
  const written = inline(value);
  return written === undefined ? undefined : text.slice(0, pair.value) + written + text.slice(pair.end);
}

/** Whole lines, from the last to the first. */
function takeOut(text: string, statements: readonly Statement[]): string | undefined {
  if (statements.length === 0) return undefined;
  return statements.toReversed().reduce((rest, { start, end }) => {
    const from = rest.lastIndexOf('\n', start - 1) + 1;
    const newline = rest.indexOf('\n', end);
    return rest.slice(0, from) + (newline < 0 ? '' : rest.slice(newline + 1));
  }, text);
}

/** A new line after the last one of its table. */
function insert(
  text: string,
  statements: readonly Statement[],
  { path, value }: { readonly path: Path; readonly value: unknown },
): string | undefined {
  const table = path.slice(0, -1);
  const header = statements.findIndex(({ kind, path: at }) => kind === 'table' && isSame(at, table));
  const written = inline(value);
  if (header < 0 || written === undefined) return undefined;
  const next = statements.findIndex(({ kind }, at) => at > header && kind === 'table');
  const last = statements[(next < 0 ? statements.length : next) - 1];
  if (last === undefined) return undefined;
  const newline = text.indexOf('\n', last.end);
  const end = newline < 0 ? text.length : newline - (text[newline - 1] === '\r' ? 1 : 0);
  const eol = text.includes('\r\n') ? '\r\n' : '\n';
  return `${text.slice(0, end)}${eol}${keyText(String(path.at(-1)))} = ${written}${text.slice(end)}`;
}

/** A value on one line; undefined for what is none of texts, numbers, truth values, lists and tables of them. */
function inline(value: unknown): string | undefined {
  if (typeof value === 'string') return quoted(value);
  if (typeof value === 'boolean' || Number.isSafeInteger(value)) return String(value);
  if (Array.isArray(value)) return joined(value.map(inline), ['[', ']']);
  if (!isObject(value) || value instanceof Date) return undefined;
  const pairs = Object.entries(value).map(([key, each]) => {
    const written = inline(each);
    return written && `${keyText(key)} = ${written}`;
  });
  return joined(pairs, ['{ ', ' }']);
}

function joined(
  parts: readonly (string | undefined)[],
  [open, close]: readonly [string, string],
): string | undefined {
  return parts.includes(undefined) ? undefined : open + parts.join(', ') + close;
}

function keyText(key: string): string {
  return /^[\w-]+$/.test(key) ? key : quoted(key);
}

/** A JSON string is a basic string, but for the one control character that JSON leaves as it is. */
function quoted(text: string): string {
  return JSON.stringify(text).replaceAll('\u007f', '\\u007f');
}

function isSame(one: readonly string[] | undefined, other: Path): boolean {
  return one?.length === other.length && startsWith(other, one);
}

function startsWith(path: Path, start: Path): boolean {
  return start.length <= path.length && start.every((key, at) => key === path[at]);
}
