import { concatBytes, utf8 } from '../../../../call/bytes.ts';
import { foldCase } from '../../../../call/case-fold.ts';
import { ambiguityWithin, memberOf, type JsonNode } from '../../../../call/json-node.ts';
import { CountersignError, toCountersignError } from '../../../../errors.ts';
import type { Response } from '../../../mcp/message.ts';
import type { Positions } from './cursors.ts';
import type { Link } from './link.ts';
import { isPlain, outerName } from './names.ts';
import { requestOf } from './own-messages.ts';
import { ask, type Caller, type Reach } from './reach.ts';
import { edited, replace } from './rewrite.ts';

/** A list that all servers have, and one of all of them. */
export interface ListKind {
  readonly method: string;
  readonly items: string;
  /** What of a server's capabilities says that it has one. */
  readonly capability: string;
  /** Whether its items are known by names, which get their server's in front. */
  readonly isNamed: boolean;
}

export const listKinds: ReadonlyMap<string, ListKind> = new Map(
  [
    { method: 'tools/list', items: 'tools', capability: 'tools', isNamed: true },
    { method: 'prompts/list', items: 'prompts', capability: 'prompts', isNamed: true },
    { method: 'resources/list', items: 'resources', capability: 'resources', isNamed: false },
    {
      method: 'resources/templates/list',
      items: 'resourceTemplates',
      capability: 'resources',
      isNamed: false,
    },
    { method: 'tasks/list', items: 'tasks', capability: 'tasks', isNamed: false },
  ].map((kind) => [kind.method, kind]),
);

/** An item as its server lists it. */
export interface Item {
  readonly server: string;
  readonly frame: Uint8Array;
  readonly node: JsonNode;
  /** Of those that have names: what it is called there. */
  readonly name?: string;
}

export interface Listed {
  readonly items: readonly Uint8Array[];
  readonly next: Positions;
  /** Milliseconds for which every server lets its part be kept. */
  readonly ttlMs: number;
}

export interface ListOptions {
  readonly kind: ListKind;
  readonly links: readonly Link[];
  readonly caller: Caller;
  readonly ownId: () => string;
  /** The client's own params but the cursor, as they are to be written. */
  readonly params: readonly Uint8Array[];
  /** Where each server is to go on; all begin where there are none. */
  readonly positions: Positions | undefined;
  readonly isShown: (item: Item) => boolean;
  readonly warn: (sentence: string) => void;
}

/** One page of what all servers list: the next page of each. A server that fails has no part in it. */
export async function listAll(options: ListOptions): Promise<Listed> {
  const { links, positions, warn } = options;
  const asked = positions ? links.filter(({ name }) => positions.has(name)) : links;
  const pages = await Promise.all(
    asked.map(async (link) => {
      try {
        return await pageOf(options, link);
      } catch (error) {
        const { message } = toCountersignError(error, 'UPSTREAM_INVALID', 'Its list cannot be read.');
        warn(`The server ${link.name} is missing from ${options.kind.method} at /mcp: ${message}`);
        return undefined;
      }
    }),
  );
  const read = pages.filter((page) => page !== undefined);
  return {
    items: read.flatMap(({ items }) => items),
    next: new Map(read.flatMap(({ next }) => (next ? [next] : []))),
    // Of a server that could not be asked nothing is known for any time.
    ttlMs: read.length < asked.length ? 0 : Math.min(...read.map(({ ttlMs }) => ttlMs), longestTtlMs),
  };
}

interface ServersPage {
  readonly items: readonly Uint8Array[];
  readonly ttlMs: number;
  readonly next?: readonly [string, { readonly cursor: string; readonly pages: number }];
}

/** More than this the gate itself does not read of a server, and nobody could call what it lists. */
const maxItems = 20_000;
const maxPages = 200;
const maxCursor = 4_096;
const maxPageBytes = 8 << 20;
const longestTtlMs = 3_600_000;

const methodNotFound = -32601;
const nothing: ServersPage = { items: [], ttlMs: longestTtlMs };

async function pageOf(options: ListOptions, link: Link): Promise<ServersPage> {
  const { kind, positions, warn } = options;
  const at = positions?.get(link.name);
  const answer = await answerOf(options, link, at?.cursor);
  if (!answer) return nothing;
  const { frame, parsed, result } = answer;
  const list = result && memberOf(result, kind.items);
  if (!result || list?.kind !== 'array') throw unusable('It lists nothing that can be read.');
  if (list.elements.length > maxItems || list.end - list.start > maxPageBytes)
    throw unusable('It lists more at once than can be taken.');

  const items = list.elements.flatMap((node): Item[] => {
    if (ambiguityWithin(parsed, node)) return [];
    const name = kind.isNamed ? nameOf(node) : undefined;
    return kind.isNamed && name === undefined
      ? []
      : [{ server: link.name, frame, node, ...(name !== undefined && { name }) }];
  });
  if (items.length < list.elements.length)
    warn(`The server ${link.name} lists something in ${kind.method} that not every parser reads alike.`);
  return {
    items: withoutDoubles(items, kind, warn).flatMap((item) =>
      options.isShown(item) ? written(item, warn) : [],
    ),
    ttlMs: ttlOf(result),
    ...nextOf(options, link, result, at),
  };
}

/** Undefined when the server has no such list. */
async function answerOf(
  { kind, caller, ownId, params }: ListOptions,
  link: Link,
  cursor: string | undefined,
): Promise<Response | undefined> {
  const reach = await link.reach(caller);
  if (!has(reach, kind)) return undefined;
  const members = cursor === undefined ? params : [utf8(`"cursor":${JSON.stringify(cursor)}`), ...params];
  const bytes = requestOf(ownId(), kind.method, members);
  let answer: Response;
  try {
    answer = await ask(reach, bytes, caller, { withinMs: link.patienceMs });
  } catch (error) {
    link.wasPatient(false);
    throw error;
  }
  link.wasPatient(true);
  if (answer.result) return answer;
  if (memberOf(answer.error, 'code')?.value === methodNotFound) return undefined;
  throw unusable('It answered with an error.');
}

export function has({ capabilities }: Reach, { capability }: Pick<ListKind, 'capability'>): boolean {
  return capabilities[capability] !== undefined && capabilities[capability] !== null;
}

/** The one name of an item, whatever the parser. */
function nameOf(node: JsonNode): string | undefined {
  if (node.kind !== 'object') return undefined;
  const names = node.members.filter(({ key }) => foldCase(key) === 'name');
  const [first] = names;
  return names.length === 1 && first?.key === 'name' && first.node.kind === 'string'
    ? first.node.value
    : undefined;
}

/** A name that is there twice is nobody's: the gate knows no such tool either. */
function withoutDoubles(
  items: readonly Item[],
  { isNamed }: ListKind,
  warn: (s: string) => void,
): readonly Item[] {
  if (!isNamed) return items;
  const counts = new Map<string, number>();
  for (const { name = '' } of items) counts.set(name, (counts.get(name) ?? 0) + 1);
  const [first] = items;
  if (first && counts.size < items.length) warn(`The server ${first.server} lists a name twice.`);
  return items.filter(({ name = '' }) => counts.get(name) === 1);
}

/** The item's bytes; only a name is another one. */
function written({ server, frame, node, name }: Item, warn: (sentence: string) => void): Uint8Array[] {
  const own = name === undefined ? undefined : memberOf(node, 'name');
  if (name === undefined || !own) return [concatBytes(frame.subarray(node.start, node.end))];
  const outer = outerName(server, name);
  if (outer === undefined) {
    warn(`The server ${server} lists a name that is too long, or empty: it is left out at /mcp.`);
    return [];
  }
  if (!isPlain(name))
    warn(
      `The server ${server} lists a name with characters that can be taken for others. Do not go by its looks.`,
    );
  return [edited(frame, node, [replace(own, JSON.stringify(outer))])];
}

function ttlOf(result: JsonNode): number {
  const ttl = memberOf(result, 'ttlMs')?.value;
  return typeof ttl === 'number' && ttl >= 0 && Number.isSafeInteger(ttl) ? ttl : 0;
}

function nextOf(
  { kind, warn }: ListOptions,
  { name }: Link,
  result: JsonNode,
  at: { readonly cursor: string; readonly pages: number } | undefined,
): Pick<ServersPage, 'next'> {
  const cursor = memberOf(result, 'nextCursor');
  if (cursor?.kind !== 'string') return {};
  const pages = (at?.pages ?? 0) + 1;
  if (cursor.value === at?.cursor || pages >= maxPages || cursor.value.length > maxCursor) {
    warn(`The server ${name} has no end of pages in ${kind.method}: the rest is left out.`);
    return {};
  }
  return { next: [name, { cursor: cursor.value, pages }] };
}

function unusable(sentence: string): CountersignError {
  return new CountersignError('UPSTREAM_INVALID', sentence);
}
