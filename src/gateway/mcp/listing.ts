import type { Json, JsonObject } from '../../call/json.ts';
import { CountersignError } from '../../errors.ts';
import type { ListedTool, Listing } from '../../gate/listing.ts';
import type { ListMethod, McpTarget } from '../../targets/mcp-target.ts';
import { createOwnRequests } from './own-requests.ts';
import type { OwnRequests } from './own-requests.ts';
import type { Page } from './paged-list.ts';
import { askAllPages } from './paged-list.ts';
import { namesIn, toolsOf } from './tool-list.ts';

/** What changes together: `notifications/tools/list_changed`, … */
export type Listed = 'tools' | 'resources' | 'prompts';

/** The server's listings, asked for by ourselves, and what of the conversation matters to them. */
export interface McpListing extends Listing {
  readonly own: OwnRequests;
  /** The client began a legacy handshake: the server wants to be asked nothing before it has answered. */
  initializing(): void;
  /** The handshake was answered. */
  initialized(): void;
  /** The text of a modern request's own `_meta` members that a request of ours must carry too; null in the legacy era. */
  speaking(meta: string | null): void;
  /** What the server listed may have changed: the next call asks again before it is decided. */
  changed(listed: Listed): void;
}

export interface ListingTimes {
  /** Without a handshake there is no telling whether a server answers at all. */
  readonly withoutHandshakeMs: number;
  readonly withHandshakeMs: number;
  /** How long a listing is believed without being told of a change; for ever unless told. */
  readonly maxAgeMs?: number;
}

const defaultTimes: ListingTimes = { withoutHandshakeMs: 5_000, withHandshakeMs: 30_000 };

/** Of a server that has no way to tell everybody of a change: over HTTP, a client need not listen. */
export const timesOverHttp: ListingTimes = { ...defaultTimes, maxAgeMs: 10_000 };

/** A listing that changes while it is read is read again, this often at most. */
const maxReadings = 10;

export function createMcpListing(
  target: Pick<McpTarget, 'list'>,
  times: ListingTimes = defaultTimes,
): McpListing {
  const own = createOwnRequests();
  const handshake = createHandshake();
  let meta: string | null = null;

  const ask = async (method: ListMethod, cursor: string | undefined) => {
    const timeout = handshake.isKnown() || meta !== null ? times.withHandshakeMs : times.withoutHandshakeMs;
    const members = [
      ...(cursor === undefined ? [] : [`"cursor":${JSON.stringify(cursor)}`]),
      ...(meta === null ? [] : [`"_meta":${meta}`]),
    ];
    return own.ask((id) => target.list(id, method, `{${members.join(',')}}`), timeout);
  };
  const read = async (method: ListMethod): Promise<readonly Page[]> => {
    await handshake.over(times.withHandshakeMs);
    return askAllPages(ask, method);
  };

  const keep = <T>(readAnew: () => Promise<T>) => createKept(readAnew, times.maxAgeMs ?? Infinity);
  const tools = keep(async (): Promise<ReadonlyMap<string, ListedTool>> => toolsOf(await read('tools/list')));
  const resources = keep(async () => namesIn(await read('resources/list'), 'uri'));
  const templates = keep(async () => namesIn(await read('resources/templates/list'), 'uriTemplate'));
  const prompts = keep(async () => namesIn(await read('prompts/list'), 'name'));

  return {
    own,
    tools: () => tools.get(),
    async lists(method, args) {
      const [room] = method.split(':');
      if (room === 'resources') return hasAll(args['uris'] ?? [args['uri'] ?? null], await resources.get());
      if (room === 'prompts') return hasAll([args['name'] ?? null], await prompts.get());
      if (room !== 'completion') return false;
      const { name, uri } = referenceOf(args);
      if (name !== undefined) return (await prompts.get()).has(name);
      return uri !== undefined && ((await templates.get()).has(uri) || (await resources.get()).has(uri));
    },
    initializing: () => handshake.begin(),
    initialized: () => handshake.end(),
    speaking(text) {
      meta = text;
    },
    changed(listed) {
      if (listed === 'tools') tools.forget();
      if (listed === 'prompts') prompts.forget();
      if (listed === 'resources') {
        resources.forget();
        templates.forget();
      }
    },
  };
}

function hasAll(wanted: Json, names: ReadonlySet<string>): boolean {
  if (!Array.isArray(wanted) || wanted.length === 0) return false;
  return wanted.every((name) => typeof name === 'string' && names.has(name));
}

/** `{ref: {type: 'ref/prompt', name}}` or `{ref: {type: 'ref/resource', uri}}`: never both. */
function referenceOf(args: JsonObject): { name?: string; uri?: string } {
  const ref = args['ref'];
  if (ref === null || typeof ref !== 'object' || Array.isArray(ref)) return {};
  const { type, name, uri } = ref;
  if (type === 'ref/prompt' && typeof name === 'string') return { name };
  if (type === 'ref/resource' && typeof uri === 'string') return { uri };
  return {};
}

/** A value that is read once, kept until it is forgotten or too old, and read again if it was forgotten while it was read. */
function createKept<T>(read: () => Promise<T>, maxAgeMs: number): { get(): Promise<T>; forget(): void } {
  let generation = 0;
  let kept: Promise<T> | undefined;
  let isReading = false;
  let readAt = 0;

  const readUntilStill = async (): Promise<T> => {
    isReading = true;
    try {
      for (let readings = 0; readings < maxReadings; readings++) {
        const before = generation;
        const value = await read();
        readAt = performance.now();
        if (generation === before) return value;
      }
      throw new CountersignError(
        'UPSTREAM_INVALID',
        'The server changes its listing faster than it can be read.',
      );
    } catch (error) {
      kept = undefined;
      throw error;
    } finally {
      isReading = false;
    }
  };
  return {
    get() {
      if (!isReading && performance.now() - readAt > maxAgeMs) kept = undefined;
      return (kept ??= readUntilStill());
    },
    forget() {
      generation++;
      if (!isReading) kept = undefined;
    },
  };
}

/** Whether a legacy `initialize` is under way. */
function createHandshake() {
  let state: 'none' | 'begun' | 'over' = 'none';
  const waiting: (() => void)[] = [];
  return {
    begin() {
      state = 'begun';
    },
    end() {
      if (state === 'begun') state = 'over';
      for (const resolve of waiting.splice(0)) resolve();
    },
    isKnown: () => state !== 'none',
    /** Resolves when no handshake is under way, or after `timeoutMs`. */
    over(timeoutMs: number): Promise<void> {
      if (state !== 'begun') return Promise.resolve();
      return new Promise((resolve) => {
        const timer = setTimeout(resolve, timeoutMs);
        waiting.push(() => {
          clearTimeout(timer);
          resolve();
        });
      });
    },
  };
}
