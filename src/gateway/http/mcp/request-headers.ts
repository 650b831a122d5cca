import type { JsonNode } from '../../../call/json-node.ts';
import type { PassedHeaders } from '../../../targets/mcp-http.ts';
import type { Message, Request } from '../../mcp/message.ts';
import {
  headerText,
  isNamed,
  methodHeader,
  mirroredArguments,
  mirroredText,
  nameHeader,
  nameOf,
  paramPrefix,
  textOfHeader,
  versionHeader,
  versionOf,
} from '../../mcp/mirrored-headers.ts';

export const sessionHeader = 'mcp-session-id';

/** What of a request's headers means something to a server: none of it is a credential. */
export function passedHeaders(headers: Headers): PassedHeaders {
  const passed: Record<string, string> = {};
  headers.forEach((value, name) => {
    if ((name.startsWith('mcp-') && name !== sessionHeader) || name === 'accept') passed[name] = value;
  });
  return passed;
}

/**
 * Where a header of revision 2026-07-28 contradicts the body that it repeats: a server or a proxy that goes by the header would
 * do another thing than was decided. Undefined where they agree, or there is no such header.
 */
export function contradiction(headers: Headers, message: Message): string | undefined {
  if (message.kind !== 'request' && message.kind !== 'notification') return undefined;
  const stated = versionOf(message);
  const version = headers.get(versionHeader);
  if (stated !== undefined && version !== null && version !== stated) return 'MCP-Protocol-Version';
  const method = headers.get(methodHeader);
  if (method !== null && method !== message.method) return 'Mcp-Method';
  const name = headers.get(nameHeader);
  if (name === null || !isNamed(message.method)) return undefined;
  const text = textOfHeader(name);
  return text !== undefined && text === nameOf(message) ? undefined : 'Mcp-Name';
}

/** The header that revision 2026-07-28 demands of this request and that is missing, where nobody behind us would miss it. */
export function missingHeader(headers: Headers, { method }: Request): string | undefined {
  if (headers.get(versionHeader) === null) return 'MCP-Protocol-Version';
  if (headers.get(methodHeader) === null) return 'Mcp-Method';
  return isNamed(method) && headers.get(nameHeader) === null ? 'Mcp-Name' : undefined;
}

/** The headers that repeat a modern message, for one that is made here: `Mcp-Method`, and `Mcp-Name` where it has one. */
export function nameHeaders(message: Message): PassedHeaders {
  if (message.kind !== 'request' && message.kind !== 'notification') return {};
  const name = nameOf(message);
  return { [methodHeader]: message.method, ...(name !== undefined && { [nameHeader]: headerText(name) }) };
}

/** Whether there is a header that repeats an argument. */
export function mirrorsArguments(headers: Headers): boolean {
  return [...headers.keys()].some((name) => name.startsWith(paramPrefix));
}

/**
 * The `Mcp-Param-*` header that repeats no argument that the tool's schema names for it, or another value.
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
    const argument = mirrored.find(({ header }) => name === paramPrefix + header);
    const text = textOfHeader(value);
    const isRepeated = given !== undefined && argument !== undefined && text !== undefined;
    if (!isRepeated || text !== mirroredText(given, argument)) return name;
  }
  return undefined;
}
