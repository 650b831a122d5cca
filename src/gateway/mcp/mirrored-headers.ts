import { base64, fromBase64, fromUtf8, utf8 } from '../../call/bytes.ts';
import { memberOf, type JsonNode } from '../../call/json-node.ts';
import type { Notification, Request } from './message.ts';

/** What revision 2026-07-28 has a client repeat of its message in headers, so that what stands between can route without parsing. */
export const versionHeader = 'mcp-protocol-version';
export const methodHeader = 'mcp-method';
export const nameHeader = 'mcp-name';
export const paramPrefix = 'mcp-param-';

const versionKey = 'io.modelcontextprotocol/protocolVersion';

/** Which member of the params `Mcp-Name` repeats. */
const namedBy: ReadonlyMap<string, string> = new Map([
  ['tools/call', 'name'],
  ['prompts/get', 'name'],
  ['resources/read', 'uri'],
  ['tasks/get', 'taskId'],
  ['tasks/update', 'taskId'],
  ['tasks/cancel', 'taskId'],
]);

/** The protocol version that a modern message states of itself. */
export function versionOf({ params }: Request | Notification): string | undefined {
  const meta = params && memberOf(params, '_meta');
  const version = meta && memberOf(meta, versionKey)?.value;
  return typeof version === 'string' ? version : undefined;
}

/** Whether `Mcp-Name` repeats something of a message of this method. */
export function isNamed(method: string): boolean {
  return namedBy.has(method);
}

/** What `Mcp-Name` repeats; undefined where there is nothing to repeat. */
export function nameOf({ method, params }: Request | Notification): string | undefined {
  const key = namedBy.get(method);
  const name = key === undefined || !params ? undefined : memberOf(params, key)?.value;
  return typeof name === 'string' ? name : undefined;
}

/** What a header can carry as it is: visible ASCII with blanks inside alone. */
const carried = /^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/;
const looksEncoded = /^=\?base64\?.*\?=$/;
const encoded = /^=\?base64\?([A-Za-z0-9+/]*={0,2})\?=$/;

/** A text as a header's value: as it is, or in base64 where a header could not hold it or would be taken for base64. */
export function headerText(text: string): string {
  return carried.test(text) && !looksEncoded.test(text) ? text : `=?base64?${base64(utf8(text))}?=`;
}

/** The text that a header's value stands for; undefined when it is coded badly. */
export function textOfHeader(value: string): string | undefined {
  if (!looksEncoded.test(value)) return value;
  const [, coded] = encoded.exec(value) ?? [];
  const bytes = coded === undefined ? undefined : fromBase64(coded);
  return bytes && fromUtf8(bytes);
}

/** An argument that a tool wants repeated: `x-mcp-header` in its schema. */
export interface MirroredArgument {
  /** Of `Mcp-Param-…`, in lower case. */
  readonly header: string;
  readonly path: readonly string[];
}

const token = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,128}$/;
const maxDepth = 16;

/** The arguments that an `inputSchema` wants repeated. A header that two of them claim is none's: nobody could tell whose it is. */
export function mirroredArguments(schema: JsonNode | undefined): readonly MirroredArgument[] {
  const all = declared(schema, []);
  return all.filter(({ header }) => all.filter((other) => other.header === header).length === 1);
}

function declared(schema: JsonNode | undefined, path: readonly string[]): readonly MirroredArgument[] {
  const properties = schema && memberOf(schema, 'properties');
  if (properties?.kind !== 'object' || path.length >= maxDepth) return [];
  return properties.members.flatMap(({ key, node }) => {
    const header = memberOf(node, 'x-mcp-header')?.value;
    const at = [...path, key];
    const own =
      typeof header === 'string' && token.test(header) ? [{ header: header.toLowerCase(), path: at }] : [];
    return [...own, ...declared(node, at)];
  });
}

/** The text by which a header repeats this argument of a call; undefined of null, of what is absent, and of no single value. */
export function mirroredText(given: JsonNode, { path }: MirroredArgument): string | undefined {
  const node = path.reduce<JsonNode | undefined>((at, key) => at && memberOf(at, key), given);
  switch (node?.kind) {
    case 'string':
      return node.value;
    case 'boolean':
      return String(node.value);
    case 'number':
      return Number.isInteger(node.value) && !Number.isSafeInteger(node.value)
        ? undefined
        : String(node.value);
    default:
      return undefined;
  }
}
