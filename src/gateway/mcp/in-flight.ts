import type { DeniedAnswer } from './answers.ts';
import type { MessageId } from './message.ts';

/** One request of the client that waits for its answer. */
export interface InFlight {
  readonly id: MessageId;
  readonly method: string;
  /** The call that the request is; absent when it is relayed. */
  readonly callId?: string;
  /** The task whose end or state is asked for. */
  readonly taskId?: string;
  /** Where the answer goes: to the client, or into the answer of a batch. */
  readonly reply: Reply;
}

export interface Reply {
  /** Whether the answer becomes part of an array. */
  readonly isGathered: boolean;
  /** A whole answer, with the line end that the server gave it. */
  answer(message: Uint8Array, terminator: Uint8Array, denied?: DeniedAnswer): void;
  /** There will be no answer. */
  none(): void;
}

/**
 * The client's requests by id. An id stays taken while the server may still answer it, also after the client was
 * answered or wants no answer any more: otherwise a late answer to one call could pass for the answer to another.
 */
export interface InFlightTable {
  /** False when the id is taken. */
  open(entry: InFlight): boolean;
  /** The request that waits for its answer. */
  get(key: string): InFlight | undefined;
  /** The request is done with; its id is free again. */
  close(key: string): void;
  /** The request is done with, but the server may still answer it: the id stays taken. */
  retire(key: string): void;
  /** Whether the server may still answer a request that is done with. */
  isRetired(key: string): boolean;
  /** Whether no other request may have this id now. */
  isTaken(key: string): boolean;
  all(): readonly InFlight[];
  readonly size: number;
}

/** Of requests that no server will ever answer, only the newest are remembered. */
const maxRetired = 4_096;

export function createInFlightTable(): InFlightTable {
  const open = new Map<string, InFlight>();
  const retired = new Set<string>();

  const isTaken = (key: string): boolean => open.has(key) || retired.has(key);
  return {
    open(entry) {
      if (isTaken(entry.id.key)) return false;
      open.set(entry.id.key, entry);
      return true;
    },
    get: (key) => open.get(key),
    close(key) {
      open.delete(key);
      retired.delete(key);
    },
    retire(key) {
      open.delete(key);
      retired.add(key);
      if (retired.size <= maxRetired) return;
      for (const oldest of retired) {
        retired.delete(oldest);
        return;
      }
    },
    isRetired: (key) => retired.has(key),
    isTaken,
    all: () => [...open.values()],
    get size() {
      return open.size;
    },
  };
}
