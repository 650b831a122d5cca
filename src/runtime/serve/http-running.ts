import type { ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';

/** The answers that a server owes: requests, and streams that have begun as requests. */
export interface Running {
  add(socket: Duplex, response: ServerResponse): void;
  becomesStream(response: ServerResponse): void;
  /** How many are requests. */
  requests(): number;
  streams(): number;
  /** Those of one connection. */
  on(socket: Duplex): ReadonlySet<ServerResponse>;
  /** Resolves once there are none, or after `within` milliseconds. */
  idle(within: number): Promise<void>;
}

const none: ReadonlySet<ServerResponse> = new Set();

export function createRunning(): Running {
  const requests = new Set<ServerResponse>();
  const streams = new Set<ServerResponse>();
  const bySocket = new WeakMap<Duplex, Set<ServerResponse>>();
  let onIdle: (() => void) | undefined;

  return {
    add(socket, response) {
      const open = bySocket.get(socket) ?? new Set();
      bySocket.set(socket, open.add(response));
      requests.add(response);
      response.once('close', () => {
        open.delete(response);
        requests.delete(response);
        streams.delete(response);
        if (requests.size + streams.size === 0) onIdle?.();
      });
    },
    becomesStream(response) {
      if (requests.delete(response)) streams.add(response);
    },
    requests: () => requests.size,
    streams: () => streams.size,
    on: (socket) => bySocket.get(socket) ?? none,
    async idle(within) {
      if (requests.size + streams.size === 0) return;
      const { promise, resolve } = Promise.withResolvers<void>();
      onIdle = resolve;
      const timer = setTimeout(resolve, within);
      await promise;
      clearTimeout(timer);
    },
  };
}
