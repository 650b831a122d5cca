import { connect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';

export type Direction = 'to the server' | 'to the client';

/** Stands between a client and a server, and cuts what is open after so many bytes. */
export interface CuttingProxy extends AsyncDisposable {
  readonly port: number;
  /** Bytes that passed since the last call, of all connections. */
  count(): Readonly<Record<Direction, number>>;
  /** Lets `bytes` more pass this way, and then breaks the connection that they passed on; all others pass whole. */
  cutAfter(direction: Direction, bytes: number): void;
  /** Whether the cut has happened. */
  wasCut(): boolean;
  /** Breaks everything and takes nothing new, until it is told to. */
  refuse(refusing: boolean): void;
  /** Swallows everything without a word, as a network does that is gone. */
  swallow(swallowing: boolean): void;
}

export async function cuttingProxy(target: number): Promise<CuttingProxy> {
  const open = new Set<Socket>();
  let passed = { 'to the server': 0, 'to the client': 0 };
  let cut: { direction: Direction; left: number } | null = null;
  let refusing = false;
  let swallowing = false;

  const breakAll = (): void => {
    for (const socket of open) socket.resetAndDestroy();
  };

  const pass = (direction: Direction, chunk: Buffer, from: Socket, into: Socket): void => {
    passed[direction] += chunk.length;
    if (swallowing) return;
    if (cut?.direction !== direction || cut.left >= chunk.length) {
      if (cut?.direction === direction) cut.left -= chunk.length;
      into.write(chunk);
      return;
    }
    const last = chunk.subarray(0, cut.left);
    cut = null;
    // What is let through arrives: the other end sees its bytes before the end.
    from.pause();
    into.end(last, () => {
      from.resetAndDestroy();
    });
  };

  const server = createServer((client) => {
    if (refusing) {
      client.resetAndDestroy();
      return;
    }
    const upstream = connect(target, '127.0.0.1');
    for (const [socket, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      open.add(socket);
      socket.setNoDelay(true);
      socket.on('error', () => undefined);
      socket.on('close', () => {
        open.delete(socket);
        other.destroy();
      });
    }
    client.on('data', (chunk: Buffer) => pass('to the server', chunk, client, upstream));
    upstream.on('data', (chunk: Buffer) => pass('to the client', chunk, upstream, client));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    count() {
      const counted = passed;
      passed = { 'to the server': 0, 'to the client': 0 };
      return counted;
    },
    cutAfter(direction, bytes) {
      cut = { direction, left: bytes };
    },
    wasCut: () => cut === null,
    refuse(on) {
      refusing = on;
      if (on) breakAll();
    },
    swallow(on) {
      swallowing = on;
    },
    async [Symbol.asyncDispose]() {
      breakAll();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
