import { concatBytes, utf8 } from '../../call/bytes.ts';
import { ambiguityWithin, memberOf } from '../../call/json-node.ts';
import type { CountersignError } from '../../errors.ts';
import { errorAnswerTo } from '../../gateway/mcp/answers.ts';
import { eraOf, type Era } from '../../gateway/mcp/era.ts';
import {
  classify,
  type MessageId,
  type Notification,
  type Response,
  type SingleMessage,
} from '../../gateway/mcp/message.ts';

/** A request of the client that waits for its one answer. */
export interface Asked {
  readonly id: MessageId;
  readonly method: string;
  readonly era: Era;
  /** Ends the HTTP request that it went with. */
  readonly abort: AbortController;
  /** The client waits no more: a legacy server may answer all the same, or not. */
  isCancelled: boolean;
}

/** What waits for answers. Each leaves it by being answered: once, by the gate or by us. */
export interface AskedTable {
  readonly size: number;
  has(key: string): boolean;
  get(key: string): Asked | undefined;
  add(asked: Asked): void;
  take(key: string): Asked | undefined;
  /** Resolves once nothing waits. */
  idle(): Promise<void>;
}

export function createAskedTable(): AskedTable {
  const table = new Map<string, Asked>();
  const waiters: (() => void)[] = [];
  return {
    get size() {
      return table.size;
    },
    has: (key) => table.has(key),
    get: (key) => table.get(key),
    add: (asked) => void table.set(asked.id.key, asked),
    take(key) {
      const asked = table.get(key);
      table.delete(key);
      if (table.size === 0) for (const resolve of waiters.splice(0)) resolve();
      return asked;
    },
    idle: () => (table.size === 0 ? Promise.resolve() : new Promise((resolve) => waiters.push(resolve))),
  };
}

/** The requests in a message of the client, as they wait together for one HTTP answer. */
export function askedOf(messages: readonly SingleMessage[], isLegacy: boolean): readonly Asked[] {
  const abort = new AbortController();
  return messages.flatMap((message) =>
    message.kind === 'request'
      ? [
          {
            id: message.id,
            method: message.method,
            era: isLegacy || message.method === 'initialize' ? 'legacy' : eraOf(message.params),
            abort,
            isCancelled: false,
          } as const,
        ]
      : [],
  );
}

/** Which request a `notifications/cancelled` is about, in the form of `MessageId.key`. */
export function cancelledKey({ params, parsed }: Notification): string | undefined {
  const id = params && memberOf(params, 'requestId');
  if (id === undefined || ambiguityWithin(parsed, id)) return undefined;
  if (id.kind === 'string') return `s:${id.value}`;
  return id.kind === 'number' ? `n:${id.value}` : undefined;
}

/** The answers to requests that went together: one line, as their client expects. */
export function failures(
  asked: readonly Asked[],
  wasBatch: boolean,
  error: CountersignError,
): Uint8Array | undefined {
  const answers = asked.map(({ id }) => errorAnswerTo(id, error));
  return joined(answers, wasBatch);
}

/** An error that names no request, given to each that it can only be about. */
export function namedErrors(
  asked: readonly Asked[],
  wasBatch: boolean,
  { error, frame }: Response & { readonly error: object },
): Uint8Array | undefined {
  const text = frame.subarray(error.start, error.end);
  const answers = asked.map(({ id }) =>
    concatBytes(utf8('{"jsonrpc":"2.0","id":'), id.raw, utf8(',"error":'), text, utf8('}')),
  );
  return joined(answers, wasBatch);
}

function joined(answers: readonly Uint8Array[], asArray: boolean): Uint8Array | undefined {
  if (answers.length === 0) return undefined;
  const parts = answers.flatMap((answer, at) => (at === 0 ? [answer] : [utf8(asArray ? ',' : '\n'), answer]));
  return asArray ? concatBytes(utf8('['), ...parts, utf8(']')) : concatBytes(...parts);
}

/** What a gate sent, as messages; undefined when a strict reader would not take it for any. */
export function messagesOf(bytes: Uint8Array): { readonly all: readonly SingleMessage[] } | undefined {
  const message = classify(bytes);
  const all = message.kind === 'batch' ? message.elements : [message];
  return all.some(({ kind }) => kind === 'refusal') ? undefined : { all };
}
