import { memberOf } from '../../call/json-node.ts';
import { hex } from '../../call/sha256.ts';
import { CountersignError } from '../../errors.ts';
import type { Response } from './message.ts';
import type { OwnAnswer } from './paged-list.ts';

/** Requests that the gateway makes itself, of a server or of a client, in an id space that nobody else can guess. */
export interface OwnRequests {
  /** Rejects with UPSTREAM_GONE when no answer comes in time. `send` gets the id to send under. */
  ask(send: (id: string) => void, timeoutMs: number): Promise<OwnAnswer>;
  /** Whether an id (as `MessageId.key`) is one of ours, answered or not. */
  isOurs(key: string): boolean;
  /** Hands in an answer. Late ones and repetitions are ignored. */
  answer(key: string, answer: OwnAnswer): void;
  /** Whoever is asked is gone, or asking is of no use: nothing is answered any more. */
  fail(): void;
}

interface Waiting {
  readonly resolve: (answer: OwnAnswer) => void;
  readonly reject: (error: Error) => void;
  readonly timer: ReturnType<typeof setTimeout>;
}

export function createOwnRequests(): OwnRequests {
  const prefix = `countersign-${hex(crypto.getRandomValues(new Uint8Array(16)))}-`;
  const open = new Map<string, Waiting>();
  let count = 0;
  let failed = false;

  const take = (key: string): Waiting | undefined => {
    const waiting = open.get(key);
    open.delete(key);
    clearTimeout(waiting?.timer);
    return waiting;
  };

  return {
    ask(send, timeoutMs) {
      if (failed) return Promise.reject(gone());
      const id = prefix + String(++count);
      return new Promise((resolve, reject) => {
        const timer = setTimeout(() => take(keyOf(id))?.reject(gone()), timeoutMs);
        open.set(keyOf(id), { resolve, reject, timer });
        send(id);
      });
    },
    isOurs: (key) => key.startsWith(keyOf(prefix)),
    answer: (key, answer) => take(key)?.resolve(answer),
    fail() {
      failed = true;
      for (const key of [...open.keys()]) take(key)?.reject(gone());
    },
  };
}

export function ownAnswerOf({ frame, parsed, result, error }: Response): OwnAnswer {
  const code = error && memberOf(error, 'code')?.value;
  return result
    ? { kind: 'result', frame, parsed, result }
    : { kind: 'error', code: typeof code === 'number' ? code : undefined };
}

/** The `MessageId.key` of an id that is a string. */
function keyOf(id: string): string {
  return `s:${id}`;
}

function gone(): CountersignError {
  return new CountersignError('UPSTREAM_GONE', 'The server did not answer.');
}
