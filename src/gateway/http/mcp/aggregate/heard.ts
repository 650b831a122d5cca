import { memberOf } from '../../../../call/json-node.ts';
import { classify, type Notification, type Request } from '../../../mcp/message.ts';
import { progressTokensOf, reportedToken } from '../request-ids.ts';
import { noteTask, type AggregateClient } from './client.ts';

const taskStatus: ReadonlySet<string> = new Set(['notifications/tasks/status', 'notifications/tasks']);

/**
 * What a server says before its answers or unasked, as its client is to hear it; undefined when it is not to.
 *
 * @param request Of the client, in whose stream it was said.
 */
export function heardFrom(
  client: AggregateClient,
  server: string,
  bytes: Uint8Array,
  request?: Request,
): Uint8Array | undefined {
  const message = classify(bytes);
  if (message.kind === 'request') {
    const asked = client.requests?.opened(server, message);
    if (!asked)
      client.warn(`The server ${server} asked its client too much at once, or what it cannot be asked.`);
    return asked;
  }
  // An answer that names no request belongs to nobody here.
  if (message.kind !== 'notification') return undefined;
  const { method, params } = message;
  if (method === 'notifications/progress' && !mayReport(client, server, message, request)) {
    client.warn(`The server ${server} reported progress of what it was not asked.`);
    return undefined;
  }
  if (method === 'notifications/cancelled') return client.requests?.cancelled(server, message);
  if (method === 'notifications/resources/list_changed') client.resources.forget(server);
  if (params && taskStatus.has(method)) noteTask(client, server, memberOf(params, 'taskId')?.value);
  return bytes;
}

/** Tokens are easily guessed: no server may speak of what another one does. */
function mayReport(
  { progress }: AggregateClient,
  server: string,
  notification: Notification,
  request: Request | undefined,
): boolean {
  const token = reportedToken(notification);
  if (token === undefined) return false;
  return (request && progressTokensOf(request).includes(token)) === true || progress?.get(token) === server;
}
