import { foldCase } from '../../call/case-fold.ts';
import type { Named, ReviewedServer, TextFinding } from './finding.ts';
import { excerptAt } from './visible.ts';

/** A name as descriptions write it: letters, digits, `_`, and within it `-`, `.`, `/`, `:`. */
const names = /[\p{L}\p{N}_]+(?:[-./:][\p{L}\p{N}_]+)*/gu;

/** Shorter names, and names that are one plain word, are words of the language too: they count where they are marked as names. */
const shortestPlain = 6;

/** What a mention was found to be about. */
export interface Mention extends TextFinding {
  readonly others: readonly Named[];
}

/** Which tools of other servers the texts of `server` name. */
export type FindMentions = (look: string) => readonly Mention[];

/** Prepares what all servers list for being looked for in the texts of one. */
export function mentionsOf(servers: readonly ReviewedServer[]): (server: string) => FindMentions {
  const all = servers.flatMap(({ name: server, tools }) => tools.map(({ name: tool }) => ({ server, tool })));
  const byName = Map.groupBy(all, ({ tool }) => foldCase(tool));
  const owners = new Map(
    [...byName].map(([name, known]) => [name, new Set(known.map(({ server }) => server))]),
  );
  return (server) => {
    const foreign = (name: string): readonly Named[] => {
      const key = foldCase(name);
      return owners.get(key)?.has(server) === true ? [] : (byName.get(key) ?? []);
    };
    return (look) => findMentions(look, server, foreign);
  };
}

function findMentions(
  look: string,
  own: string,
  foreign: (name: string) => readonly Named[],
): readonly Mention[] {
  for (const { 0: name, index } of look.matchAll(names)) {
    const plain = foreign(name);
    const isNamed = plain.length > 0 && (isDistinct(name) || isMarked(look, index, name.length));
    const others = isNamed ? plain : qualified(name, own, foreign);
    if (others.length === 0) continue;
    const message = 'Names a tool of another server.';
    return [
      { kind: 'names-other-tool', message, excerpt: excerptAt(look, index), others: others.slice(0, 8) },
    ];
  }
  return [];
}

/** `files/read_file`, `mcp__files__read_file`: the server must be the one that has the tool. */
function qualified(name: string, own: string, foreign: (name: string) => readonly Named[]): readonly Named[] {
  const mcp = name.startsWith('mcp__') ? name.slice('mcp__'.length) : name;
  for (const separator of ['__', '/', '.', ':']) {
    const at = mcp.indexOf(separator);
    if (at <= 0) continue;
    const server = foldCase(mcp.slice(0, at));
    const known = foreign(mcp.slice(at + separator.length)).filter(
      (each) => foldCase(each.server) === server,
    );
    if (known.length > 0 && foldCase(own) !== server) return known;
  }
  return [];
}

/** No word of a sentence: `read_file`, `readFile`, `s3-copy`. */
function isDistinct(name: string): boolean {
  return name.length >= shortestPlain && (/[-_./:]/.test(name) || /\p{Ll}\p{Lu}/u.test(name));
}

/** In quotes or backticks, or followed by “tool”. */
function isMarked(look: string, at: number, length: number): boolean {
  const [before, after] = [look[at - 1] ?? '', look[at + length] ?? ''];
  if (/["'`“‘«]/.test(before) && /["'`”’»]/.test(after)) return true;
  return /^\s{1,2}(?:tool|function)\b/i.test(look.slice(at + length, at + length + 12));
}
