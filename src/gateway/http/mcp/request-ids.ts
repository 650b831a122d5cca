import { memberOf } from '../../../call/json-node.ts';
import type { Message, Notification, Request, SingleMessage } from '../../mcp/message.ts';

/** What a client chose for the progress of one request. */
export type ProgressToken = string | number;

function elementsOf(message: Message): readonly SingleMessage[] {
  return message.kind === 'batch' ? message.elements : [message];
}

export function requestsOf(message: Message): readonly Request[] {
  return elementsOf(message).filter((element) => element.kind === 'request');
}

/** The ids of its requests, as `MessageId.key`. */
export function keysOf(message: Message): readonly string[] {
  return requestsOf(message).map(({ id }) => id.key);
}

export function progressTokensOf(message: Message): readonly ProgressToken[] {
  return requestsOf(message).flatMap((request) => tokenIn(metaOf(request, 'progressToken')));
}

/** The token that a progress notification carries. */
export function reportedToken({ method, params }: Request | Notification): ProgressToken | undefined {
  if (method !== 'notifications/progress' || !params) return undefined;
  return tokenIn(memberOf(params, 'progressToken')?.value)[0];
}

/** The id of the `subscriptions/listen` that a message of a modern server belongs to, as `MessageId.key`. */
export function subscriptionKey(message: Request | Notification): string | undefined {
  const id = metaOf(message, 'io.modelcontextprotocol/subscriptionId');
  if (typeof id === 'string') return `s:${id}`;
  return typeof id === 'number' ? `n:${id}` : undefined;
}

function metaOf({ params }: Request | Notification, key: string): unknown {
  const meta = params && memberOf(params, '_meta');
  return meta && memberOf(meta, key)?.value;
}

function tokenIn(value: unknown): readonly ProgressToken[] {
  return typeof value === 'string' || typeof value === 'number' ? [value] : [];
}
