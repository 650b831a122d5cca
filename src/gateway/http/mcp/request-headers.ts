import { base64, fromUtf8, utf8 } from '../../../call/bytes.ts';
import { memberOf, type JsonNode } from '../../../call/json-node.ts';
import { fromBase64 } from '../../../call/sha256.ts';
import type { PassedHeaders } from '../../../targets/mcp-http.ts';
import type { Message, Notification, Request } from '../../mcp/message.ts';

export const sessionHeader = 'mcp-session-id';
export const versionHeader = 'mcp-protocol-version';
const methodHeader = 'mcp-method';
const nameHeader = 'mcp-name';
export const paramPrefix = 'mcp-param-';

/** What of a request's headers means something to a server: none of it is a credential. */
export function passedHeaders(headers: Headers): PassedHeaders {
  const passed: Record<string, string> = {};
  headers.forEach((value, name) => {
    if ((name.startsWith('mcp-') && name !== sessionHeader) || name === 'accept') passed[name] = value;
  });
  return passed;
}

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

/**
 * Where a header of revision 2026-07-28 contradicts the body that it repeats: a server or a proxy that goes by the header would
 * do another thing than was decided. Undefined where they agree, or there is no such header.
 */
export function contradiction(headers: Headers, message: Message): string | undefined {
  if (message.kind !== 'request' && message.kind !== 'notification') return undefined;
  const { method, params } = message;
  const stated = versionOf(message);
  const version = headers.get(versionHeader);
  if (stated !== undefined && version !== null && version !== stated) return 'MCP-Protocol-Version';
  const ofMethod = headers.get(methodHeader);
  if (ofMethod !== null && ofMethod !== method) return 'Mcp-Method';
  const ofName = headers.get(nameHeader);
  const key = namedBy.get(method);
  if (ofName === null || key === undefined) return undefined;
  const name = params && memberOf(params, key)?.value;
  return decodedParam(ofName) === name ? undefined : 'Mcp-Name';
}

/** The header that revision 2026-07-28 demands of this request and that is missing, where nobody behind us would miss it. */
export function missingHeader(headers: Headers, message: Request): string | undefined {
  if (headers.get(versionHeader) === null) return 'MCP-Protocol-Version';
  if (headers.get(methodHeader) === null) return 'Mcp-Method';
  return namedBy.has(message.method) && headers.get(nameHeader) === null ? 'Mcp-Name' : undefined;
}

/** The headers that repeat a modern message, for one that is made here: `Mcp-Method`, and `Mcp-Name` where it has one. */
export function nameHeaders(message: Message): PassedHeaders {
  if (message.kind !== 'request' && message.kind !== 'notification') return {};
  const { method, params } = message;
  const key = namedBy.get(method);
  const name = key !== undefined && params ? memberOf(params, key)?.value : undefined;
  return { [methodHeader]: method, ...(typeof name === 'string' && { [nameHeader]: encodedParam(name) }) };
}

/** The protocol version that a modern message states of itself. */
export function versionOf({ params }: Request | Notification): string | undefined {
  const meta = params && memberOf(params, '_meta');
  const version = meta && memberOf(meta, versionKey)?.value;
  return typeof version === 'string' ? version : undefined;
}

const encoded = /^=\?base64\?([A-Za-z0-9+/]*={0,2})\?=$/;

/** What a header can carry as it is: visible ASCII with single blanks inside, that does not look coded itself. */
const carried = /^[\x21-\x7e]+(?: [\x21-\x7e]+)*$/;

function encodedParam(text: string): string {
  return carried.test(text) && !encoded.test(text) ? text : `=?base64?${base64(utf8(text))}?=`;
}

/** The text that a header value stands for; undefined when it is coded badly. */
function decodedParam(value: string): string | undefined {
  const [, base64] = encoded.exec(value) ?? [];
  if (base64 === undefined) return value;
  const bytes = fromBase64(base64);
  return bytes && fromUtf8(bytes);
}

/**
 * Whether a `Mcp-Param-*` header repeats no argument that the tool's schema names for it (`x-mcp-header`), or another value.
 *
 * @param schema The `inputSchema` of the tool as it is listed.
 */
export function paramContradiction(
  headers: Headers,
  given: JsonNode | undefined,
  schema: JsonNode | undefined,
): string | undefined {
  const mirrored = mirroredArguments(schema);
  for (const [name, value] of headers) {
    if (!name.startsWith(paramPrefix)) continue;
    const argument = given && valueAt(given, mirrored.get(name.slice(paramPrefix.length)));
    if (argument === undefined || !stands(argument, decodedParam(value))) return name;
  }
  return undefined;
}

type Path = readonly string[];

/** By header, in lower case: where the argument is that it repeats. It may stand at any depth of `properties`. */
function mirroredArguments(schema: JsonNode | undefined, at: Path = []): ReadonlyMap<string, Path> {
  const properties = schema && memberOf(schema, 'properties');
  if (properties?.kind !== 'object') return new Map();
  return new Map(
    properties.members.flatMap(({ key, node }) => {
      const path = [...at, key];
      const header = memberOf(node, 'x-mcp-header')?.value;
      const own = typeof header === 'string' ? [[header.toLowerCase(), path] as const] : [];
      return [...own, ...mirroredArguments(node, path)];
    }),
  );
}

function valueAt(root: JsonNode, path: Path | undefined): JsonNode | undefined {
  return path?.reduce<JsonNode | undefined>((node, key) => node && memberOf(node, key), root);
}

function stands(argument: JsonNode, text: string | undefined): boolean {
  if (text === undefined) return false;
  const { value } = argument;
  if (typeof value === 'string') return value === text;
  return (typeof value === 'number' || typeof value === 'boolean') && String(value) === text;
}
