import { foldCase } from '../../call/case-fold.ts';

/**
 * What makes a server work, and is therefore decided before it goes on. `resources/directory/read` is the directory
 * extension (SEP-2640); `subscriptions/listen` (2026-07-28) is one where it names resources: see `params.ts`.
 */
const callMethods = [
  'tools/call',
  'resources/read',
  'resources/directory/read',
  'resources/subscribe',
  'prompts/get',
  'completion/complete',
  'subscriptions/listen',
] as const;

export type CallMethod = (typeof callMethods)[number];

/** Client to server: lists and protocol chores, which move bytes but no tool. They relay as they are. */
const relayedMethods: ReadonlySet<string> = new Set([
  // 2024-11-05 to 2025-11-25
  'initialize',
  'ping',
  'logging/setLevel',
  'tools/list',
  'resources/list',
  'resources/templates/list',
  'resources/unsubscribe',
  'prompts/list',
  'notifications/initialized',
  'notifications/cancelled',
  'notifications/progress',
  'notifications/roots/list_changed',
  // Tasks: in 2025-11-25, and as the extension of 2026-07-28
  'tasks/get',
  'tasks/list',
  'tasks/result',
  'tasks/cancel',
  'tasks/update',
  'notifications/tasks/status',
  // 2026-07-28
  'server/discover',
]);

/** `call`: decide it. `relay`: pass its bytes. `refused`: METHOD_NOT_RELAYED. */
export type MethodStanding = 'call' | 'relay' | 'refused';

const calls: ReadonlySet<string> = new Set(callMethods);

export function isCallMethod(method: string): method is CallMethod {
  return calls.has(method);
}

/**
 * How a method that a client sends is treated. What no revision and no known extension defines is refused, since a
 * server could execute through it, unless the operator opened it. Nothing opens a call: neither its name nor a
 * spelling of it that a lenient server may take for it.
 */
export function methodStanding(method: string, opened: readonly RelayPattern[]): MethodStanding {
  if (isCallMethod(method)) return 'call';
  if (relayedMethods.has(method)) return 'relay';
  const openable = isPlainName(method) && !calls.has(foldCase(method));
  return openable && opened.some((pattern) => pattern.matches(method)) ? 'relay' : 'refused';
}

/** Printable ASCII without blanks, so that no trimming, normalising or cutting at NUL makes another name of it. */
function isPlainName(method: string): boolean {
  return /^[\x21-\x7e]+$/.test(method);
}

/** What `--relay PATTERN` opens. */
export interface RelayPattern {
  readonly source: string;
  matches(method: string): boolean;
}

/**
 * A method's name in which `*` stands for any characters, also none and also slashes. Undefined if it is empty or
 * has characters that no method's name has.
 */
export function relayPattern(source: string): RelayPattern | undefined {
  if (!isPlainName(source)) return undefined;
  const parts = source.split('*');
  return { source, matches: (method) => matchesParts(method, parts) };
}

/** In linear time for any method, unlike a regular expression: the methods are the caller's. */
function matchesParts(method: string, parts: readonly string[]): boolean {
  const first = parts[0]!;
  if (parts.length === 1) return method === first;
  const last = parts.at(-1)!;
  if (!method.startsWith(first)) return false;
  let at = first.length;
  for (const part of parts.slice(1, -1)) {
    const found = method.indexOf(part, at);
    if (found < 0) return false;
    at = found + part.length;
  }
  return method.length - last.length >= at && method.endsWith(last);
}
