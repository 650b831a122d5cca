import { parse } from 'smol-toml';
import { isObject } from '../doctor/host-servers.ts';

/** A `[table]` or a `key = value` of a TOML text. What it means is smol-toml's affair; this knows where it stands. */
export interface Statement {
  readonly kind: 'table' | 'pair';
  /** All keys that lead to it; undefined within an array of tables. */
  readonly path: readonly string[] | undefined;
  readonly start: number;
  /** One past its last character, without blanks and a comment after it. */
  readonly end: number;
  /** Of a pair: where its value starts. */
  readonly value: number;
}

/** The statements of a text that smol-toml has parsed: about any other, nothing is promised. */
export function statementsOf(text: string): readonly Statement[] {
  const found: Statement[] = [];
  let table: readonly string[] | undefined = [];
  for (let at = skipBlank(text, 0); at < text.length; at = skipBlank(text, at)) {
    const isTable = text[at] === '[';
    const end = isTable ? endOfHeader(text, at) : endOfValue(text, at);
    if (isTable) {
      const isList = text[at + 1] === '[';
      table = isList ? undefined : keysOf(text.slice(at + 1, end - 1));
      found.push({ kind: 'table', path: table, start: at, end, value: end });
    } else {
      const equals = endOfKey(text, at);
      const keys = keysOf(text.slice(at, equals));
      const path: readonly string[] | undefined = table && [...table, ...keys];
      found.push({ kind: 'pair', path, start: at, end, value: skipSpace(text, equals + 1) });
    }
    at = Math.max(end, at + 1);
  }
  return found;
}

/** The offsets of the elements of the list that starts at `open`. */
export function elementsOf(text: string, open: number): readonly number[] {
  const starts: number[] = [];
  for (let at = skipBlank(text, open + 1); at < text.length && text[at] !== ']'; at = skipBlank(text, at)) {
    starts.push(at);
    at = endOfItem(text, at);
    at = skipBlank(text, at);
    if (text[at] === ',') at += 1;
  }
  return starts;
}

/** The parser knows how keys are quoted and escaped. */
function keysOf(source: string): readonly string[] {
  const keys: string[] = [];
  for (let at: unknown = parse(`${source} = 0`); isObject(at);) {
    const [key = ''] = Object.keys(at);
    keys.push(key);
    at = at[key];
  }
  return keys;
}

function endOfHeader(text: string, start: number): number {
  const brackets = text[start + 1] === '[' ? 2 : 1;
  return scan(text, start + brackets, (char) => char === ']') + brackets;
}

function endOfKey(text: string, start: number): number {
  return scan(text, start, (char) => char === '=');
}

/** Up to the end of the line, or of the last line of a list or a string that goes on. */
function endOfValue(text: string, start: number): number {
  const value = skipSpace(text, endOfKey(text, start) + 1);
  return endOfItem(text, value);
}

function endOfItem(text: string, start: number): number {
  let depth = 0;
  const end = scan(text, start, (char, at) => {
    if (depth === 0 && at > start && /[,\]}\n\r#]/.test(char)) return true;
    if (char === '[' || char === '{') depth += 1;
    if (char === ']' || char === '}') depth -= 1;
    return false;
  });
  return start + text.slice(start, end).trimEnd().length;
}

/** The first offset that `isEnd` takes, strings and the insides of comments left out. */
function scan(text: string, start: number, isEnd: (char: string, at: number) => boolean): number {
  for (let at = start; at < text.length;) {
    const char = text.charAt(at);
    if (isEnd(char, at)) return at;
    if (char === '"' || char === "'") at = endOfString(text, at);
    else if (char === '#') at = endOfLine(text, at);
    else at += 1;
  }
  return text.length;
}

const strings: readonly RegExp[] = [
  /"""(?:\\[^]|[^\\])*?"""(?:"{0,2}(?!"))?/y,
  /'''[^]*?'''(?:'{0,2}(?!'))?/y,
  /"(?:\\.|[^"\\])*"/y,
  /'[^']*'/y,
];

function endOfString(text: string, start: number): number {
  for (const pattern of strings) {
    pattern.lastIndex = start;
    if (pattern.test(text)) return pattern.lastIndex;
  }
  return text.length;
}

function skipBlank(text: string, start: number): number {
  let at = start;
  while (at < text.length) {
    if (text[at] === '#') at = endOfLine(text, at);
    else if (/\s/.test(text.charAt(at))) at += 1;
    else break;
  }
  return at;
}

function skipSpace(text: string, start: number): number {
  let at = start;
  while (text[at] === ' ' || text[at] === '\t') at += 1;
  return at;
}

function endOfLine(text: string, start: number): number {
  const at = text.indexOf('\n', start);
  return at < 0 ? text.length : at;
}
