import { fromUtf8 } from '../../call/bytes.ts';
import type { JsonNode, ParsedJson } from '../../call/json-node.ts';
import { ambiguityWithin, memberOf } from '../../call/json-node.ts';
import type { JsonObject } from '../../call/json.ts';
import type { Request } from './message.ts';

/** What a request of ours must carry in the modern era, as the caller's own request carries it. */
const copiedKeys = [
  'io.modelcontextprotocol/protocolVersion',
  'io.modelcontextprotocol/clientInfo',
  'io.modelcontextprotocol/clientCapabilities',
];

/** What a client says of itself is stated with each of its calls: it may be this long. */
const maxClientInfoBytes = 4_096;

/** What a modern request says of its client. */
export function clientOf({ params, parsed }: Request): JsonObject | undefined {
  const meta = params && memberOf(params, '_meta');
  return meta && plainObject(memberOf(meta, 'io.modelcontextprotocol/clientInfo'), parsed);
}

/** What a legacy `initialize` says of its client. */
export function clientOfHandshake({ params, parsed }: Request): JsonObject | undefined {
  return params && plainObject(memberOf(params, 'clientInfo'), parsed);
}

function plainObject(node: JsonNode | undefined, parsed: ParsedJson): JsonObject | undefined {
  if (node?.kind !== 'object' || node.end - node.start > maxClientInfoBytes) return undefined;
  return ambiguityWithin(parsed, node) ? undefined : node.value;
}

/** The `_meta` that a request of our own has to carry in the era of this one, as JSON text; null in the legacy era. */
export function callerMeta({ params, frame }: Request): string | null {
  const meta = params && memberOf(params, '_meta');
  if (meta?.kind !== 'object' || memberOf(meta, copiedKeys[0] ?? '') === undefined) return null;
  const members = meta.members
    .filter(({ key }) => copiedKeys.includes(key))
    .map(({ keyStart, node }) => fromUtf8(frame.subarray(keyStart, node.end)) ?? '');
  return `{${members.join(',')}}`;
}
