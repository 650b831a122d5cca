import type { JsonNode, ObjectNode, ParsedJson } from '../../call/json-node.ts';
import { ambiguityWithin, memberOf } from '../../call/json-node.ts';
import { foldCase } from '../../call/case-fold.ts';
import { hex, sha256 } from '../../call/sha256.ts';
import type { ListedTool } from '../../gate/listing.ts';
import type { Page } from './paged-list.ts';

/**
 * The tools of a whole listing by name. A name that is listed twice, or whose definition two parsers could read
 * differently, is in it for nobody: such a tool is unknown.
 */
export function toolsOf(pages: readonly Page[]): ReadonlyMap<string, ListedTool> {
  const tools = new Map<string, ListedTool>();
  const unusable = new Set<string>();
  for (const { frame, parsed, items } of pages) {
    for (const item of items) {
      const names = namesOf(item);
      const [name] = names;
      if (name === undefined) continue;
      if (names.length > 1 || tools.has(name) || ambiguityWithin(parsed, item))
        names.forEach((each) => unusable.add(each));
      else tools.set(name, toolOf(frame, item));
    }
  }
  for (const name of unusable) tools.delete(name);
  return tools;
}

/** Every name that some parser could take for the tool's. */
function namesOf(item: JsonNode): string[] {
  if (item.kind !== 'object') return [];
  return item.members.flatMap(({ key, node }) =>
    foldCase(key) === 'name' && node.kind === 'string' ? [node.value] : [],
  );
}

function toolOf(frame: Uint8Array, item: JsonNode): ListedTool {
  // A copy: the definition outlives the frame, which may be a hundred times as large.
  const raw = frame.slice(item.start, item.end);
  const annotations = memberOf(item, 'annotations');
  const schema = memberOf(item, 'inputSchema');
  const properties = schema && memberOf(schema, 'properties');
  return {
    raw,
    sha256: hex(sha256(raw)),
    declaredProperties: isObject(properties) ? properties.members.map(({ key }) => key) : [],
    ...(isObject(annotations) ? { annotations: annotations.value } : {}),
  };
}

function isObject(node: JsonNode | undefined): node is ObjectNode {
  return node?.kind === 'object';
}

/** What the items of a listing are known by: `uri`, `uriTemplate`, `name`. Ambiguous items are left out. */
export function namesIn(pages: readonly Page[], key: string): ReadonlySet<string> {
  const names = new Set<string>();
  for (const { parsed, items } of pages) {
    for (const item of items) {
      const name = memberOf(item, key);
      if (name?.kind === 'string' && !isAmbiguous(parsed, item)) names.add(name.value);
    }
  }
  return names;
}

function isAmbiguous(parsed: ParsedJson, item: JsonNode): boolean {
  return ambiguityWithin(parsed, item) !== undefined;
}
