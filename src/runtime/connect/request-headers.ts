import { utf8 } from '../../call/bytes.ts';
import { memberOf } from '../../call/json-node.ts';
import { base64 } from '../../call/sha256.ts';
import type { Notification, Request, SingleMessage } from '../../gateway/mcp/message.ts';

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
 * The headers that revision 2026-07-28 has a client derive from its message, so that what stands between can route without parsing;
 * none of a message that does not name its revision.
 */
export function derivedHeaders(message: SingleMessage): Readonly<Record<string, string>> {
  if (message.kind !== 'request' && message.kind !== 'notification') return {};
  const version = versionOf(message);
  if (version === undefined) return {};
  const key = namedBy.get(message.method);
  const name = key === undefined ? undefined : message.params && memberOf(message.params, key)?.value;
  return {
    'mcp-protocol-version': headerText(version),
    'mcp-method': headerText(message.method),
    ...(typeof name === 'string' && { 'mcp-name': headerText(name) }),
  };
}

function versionOf({ params }: Request | Notification): string | undefined {
  const meta = params && memberOf(params, '_meta');
  const version = meta && memberOf(meta, versionKey)?.value;
  return typeof version === 'string' ? version : undefined;
}

const plain = /^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/;
const looksEncoded = /^=\?base64\?.*\?=$/;

/** A text as a header's value: as it is, or in base64 where a header could not hold it or would be taken for base64. */
export function headerText(text: string): string {
  return plain.test(text) && !looksEncoded.test(text) ? text : `=?base64?${base64(utf8(text))}?=`;
}
