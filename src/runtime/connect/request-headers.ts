import type { SingleMessage } from '../../gateway/mcp/message.ts';
import {
  headerText,
  methodHeader,
  nameHeader,
  nameOf,
  versionHeader,
  versionOf,
} from '../../gateway/mcp/mirrored-headers.ts';

/** The headers that a client on stdio does not send; none of a message that does not name its revision. */
export function derivedHeaders(message: SingleMessage): Readonly<Record<string, string>> {
  if (message.kind !== 'request' && message.kind !== 'notification') return {};
  const version = versionOf(message);
  if (version === undefined) return {};
  const name = nameOf(message);
  return {
    [versionHeader]: headerText(version),
    [methodHeader]: headerText(message.method),
    ...(name !== undefined && { [nameHeader]: headerText(name) }),
  };
}
