import { utf8 } from '../../../../call/bytes.ts';
import { memberOf } from '../../../../call/json-node.ts';
import { toCountersignError } from '../../../../errors.ts';
import { askAllPages, type OwnAnswer } from '../../../mcp/paged-list.ts';
import { namesIn } from '../../../mcp/tool-list.ts';
import type { Link } from './link.ts';
import { has } from './lists.ts';
import { requestOf } from './own-messages.ts';
import { ask, within, type Caller, type Reach } from './reach.ts';
import { fits } from './uri-template.ts';

/** Which server's a resource is. URIs stay as they are, as servers link to them in what they answer. */
export interface Resources {
  /** What the servers list now, or listed a few seconds ago. */
  read(caller: Caller): Promise<ResourceMap>;
  /** The server says that its list has changed. */
  forget(server: string): void;
  /** A server's answer links to a resource, which it need not list. */
  linked(server: string, uri: string): void;
}

export interface ResourceMap {
  /** The servers that this URI could belong to: none, one, or several, of which none gets it. */
  serversOf(uri: string): readonly string[];
  /** Those that list exactly this URI. */
  listing(uri: string): readonly string[];
  /** Those that list exactly this template. */
  templating(uriTemplate: string): readonly string[];
}

interface ListedByOne {
  readonly server: string;
  /** Whether it has resources at all. */
  readonly isServing: boolean;
  readonly uris: ReadonlySet<string>;
  readonly templates: ReadonlySet<string>;
  readonly readAt: number;
}

/** How long a list is believed without word of a change. */
const maxAgeMs = 10_000;
/** All pages of one server's lists, together. */
const readMs = 15_000;
const maxLinked = 4_096;

export function createResources(
  links: readonly Link[],
  ownId: () => string,
  warn: (sentence: string) => void,
): Resources {
  const kept = new Map<string, Promise<ListedByOne>>();
  const linked = new Map<string, Set<string>>();

  const listsOf = async (link: Link, caller: Caller): Promise<ListedByOne> => {
    const before = await kept.get(link.name)?.catch(() => undefined);
    if (before && performance.now() - before.readAt < maxAgeMs) return before;
    const reading = within(readLists(link, caller, ownId), readMs);
    kept.set(link.name, reading);
    return reading;
  };

  return {
    async read(caller) {
      const lists = await Promise.all(
        links.map((link) =>
          listsOf(link, caller).catch((error: unknown) => {
            kept.delete(link.name);
            const { message } = toCountersignError(error, 'UPSTREAM_INVALID', 'Its lists cannot be read.');
            warn(`The resources of the server ${link.name} are not known at /mcp: ${message}`);
            return undefined;
          }),
        ),
      );
      return mapOf(
        lists.filter((each) => each !== undefined),
        linked,
        lists.every((each) => each !== undefined),
      );
    },
    forget: (server) => void kept.delete(server),
    linked(server, uri) {
      const servers = linked.get(uri) ?? new Set();
      linked.delete(uri);
      linked.set(uri, servers.add(server));
      const [oldest] = linked.keys();
      if (linked.size > maxLinked && oldest !== undefined) linked.delete(oldest);
    },
  };
}

function mapOf(
  lists: readonly ListedByOne[],
  linked: ReadonlyMap<string, ReadonlySet<string>>,
  isWhole: boolean,
): ResourceMap {
  const where = (holds: (list: ListedByOne) => boolean): readonly string[] =>
    lists.filter(holds).map(({ server }) => server);
  const serving = where(({ isServing }) => isServing);
  const listing = (uri: string): readonly string[] => where(({ uris }) => uris.has(uri));
  const first = (...candidates: readonly (() => readonly string[])[]): readonly string[] => {
    for (const candidate of candidates) {
      const servers = candidate();
      if (servers.length > 0) return servers;
    }
    return [];
  };
  return {
    listing,
    templating: (template) => where(({ templates }) => templates.has(template)),
    serversOf: (uri) =>
      first(
        () => listing(uri),
        () => where(({ templates }) => [...templates].some((template) => fits(uri, template))),
        () => [...(linked.get(uri) ?? [])],
        // Where only one server has any, it says itself whether it has this one: of those that could be asked, all were.
        () => (isWhole && serving.length === 1 ? serving : []),
      ),
  };
}

async function readLists(link: Link, caller: Caller, ownId: () => string): Promise<ListedByOne> {
  const reach = await link.reach(caller);
  const { name: server } = link;
  const readAt = performance.now();
  if (!has(reach, { capability: 'resources' }))
    return { server, isServing: false, uris: new Set(), templates: new Set(), readAt };
  const asker = askerOf(reach, caller, ownId, link.patienceMs);
  const [resources, templates] = await Promise.all([
    askAllPages(asker, 'resources/list'),
    askAllPages(asker, 'resources/templates/list'),
  ]);
  return {
    server,
    isServing: true,
    uris: namesIn(resources, 'uri'),
    templates: namesIn(templates, 'uriTemplate'),
    readAt,
  };
}

function askerOf(
  reach: Reach,
  caller: Caller,
  ownId: () => string,
  withinMs: number,
): Parameters<typeof askAllPages>[0] {
  return async (method, cursor): Promise<OwnAnswer> => {
    const members = cursor === undefined ? [] : [utf8(`"cursor":${JSON.stringify(cursor)}`)];
    const bytes = requestOf(ownId(), method, [...members, ...metaOf(caller)]);
    const { frame, parsed, result, error } = await ask(reach, bytes, caller, { withinMs });
    const code = error && memberOf(error, 'code')?.value;
    return result
      ? { kind: 'result', frame, parsed, result }
      : { kind: 'error', code: typeof code === 'number' ? code : undefined };
  };
}

function metaOf({ meta }: Caller): readonly Uint8Array[] {
  return meta === null ? [] : [utf8(`"_meta":${meta}`)];
}
