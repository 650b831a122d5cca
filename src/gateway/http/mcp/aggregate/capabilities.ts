import { isJsonObject, type Json, type JsonObject } from '../../../../call/json.ts';
import { metaKeys, metaPrefix } from '../../../../names.ts';
import type { Era } from '../../../mcp/era.ts';
import type { Reach } from './reach.ts';

/**
 * What all servers together can do. Lists are always there, and change whenever a server does. A server that has not said yet
 * what it can do is taken for one that can do everything that is listed.
 */
export function mergedCapabilities(reaches: readonly (Reach | undefined)[], era: Era): JsonObject {
  const known = reaches.flatMap((reach) => (reach ? [withoutOurs(capabilitiesFor(reach, era))] : []));
  const merged = known.reduce<JsonObject>(union, {});
  const isOpen = known.length < reaches.length;
  const listed = isOpen ? { resources: {}, prompts: {} } : {};
  const all = union(union(merged, { tools: {} }), listed);
  const changing = Object.fromEntries(
    ['tools', 'resources', 'prompts'].filter((key) => key in all).map((key) => [key, { listChanged: true }]),
  );
  return union(union(all, changing), { extensions: { [metaKeys.envelope]: {} } });
}

/** What a server of the other era can do that its client has no words for is left out. */
function capabilitiesFor({ speaks, capabilities }: Reach, era: Era): JsonObject {
  if (speaks === era) return capabilities;
  const { tools, prompts, completions, resources } = capabilities;
  return {
    ...(tools !== undefined && { tools: {} }),
    ...(prompts !== undefined && { prompts: {} }),
    ...(completions !== undefined && { completions: {} }),
    ...(resources !== undefined && { resources: {} }),
  };
}

function withoutOurs({ extensions, ...rest }: JsonObject): JsonObject {
  if (!isJsonObject(extensions)) return rest;
  const theirs = Object.entries(extensions).filter(([key]) => !key.toLowerCase().startsWith(metaPrefix));
  return { ...rest, extensions: Object.fromEntries(theirs) };
}

/** What either says; of what both say and is no object, what is true or came first. */
function union(one: JsonObject, other: JsonObject): JsonObject {
  const merged = new Map<string, Json>(Object.entries(one));
  for (const [key, value] of Object.entries(other)) {
    const before = merged.get(key);
    if (isJsonObject(before) && isJsonObject(value)) merged.set(key, union(before, value));
    else if (before === undefined || before === false) merged.set(key, value);
  }
  return Object.fromEntries(merged);
}
