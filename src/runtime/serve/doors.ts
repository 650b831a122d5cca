import type { Server } from 'node:http';
import { createServer, type AddressInfo, type Server as SocketServer } from 'node:net';
import { CountersignError } from '../../errors.ts';
import type { Config } from '../config/schema.ts';
import type { TlsDoor } from './tls-door.ts';
import { listenOnSocket } from './unix-socket.ts';

/** Where a gateway listens: on TCP, on a unix socket, or on both. */
export type Listen = Config['listen'];
type Tcp = NonNullable<Listen['tcp']>;

/** What a server listens on. */
export interface Doors {
  /** With the port that the system has chosen. */
  readonly tcp?: Tcp;
  /** Takes no more connections; resolves once nobody is connected. */
  readonly close: () => Promise<void>;
}

/**
 * Has a server listen wherever it is told to, or nowhere: rejects with CONFIG_INVALID. What comes by a second door is handed to the
 * one server, so that its limits hold for both together; connections alone are counted by door. With a TLS door nothing comes by TCP
 * but through it.
 */
export async function openDoors(server: Server, { tcp, socket }: Listen, tls?: TlsDoor): Promise<Doors> {
  if (tcp === undefined) {
    await listenOnSocket(server, socket);
    return { close: () => closed(server) };
  }
  const first = tls === undefined ? server : behind(tls, server);
  if (socket === undefined) return { tcp: await listenOnTcp(first, tcp), close: () => closed(first) };

  const second = createServer({ allowHalfOpen: true }, (stream) => server.emit('connection', stream));
  second.maxConnections = server.maxConnections;
  await listenOnSocket(second, socket);
  try {
    return {
      tcp: await listenOnTcp(first, tcp),
      close: async () => {
        await Promise.all([closed(second), closed(first)]);
      },
    };
  } catch (error) {
    await closed(second);
    throw error;
  }
}

/** Has a server speak HTTP behind a TLS door, and keep its limits as if it listened itself: it looks at none before. */
function behind(tls: TlsDoor, server: Server): SocketServer {
  tls.server.maxConnections = server.maxConnections;
  server.emit('listening');
  tls.server.once('close', () => server.close());
  return tls.server;
}

function listenOnTcp(server: SocketServer, { host, port }: Tcp): Promise<Tcp> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) =>
      reject(
        new CountersignError(
          'CONFIG_INVALID',
          `Nothing can listen on ${host}:${port} (${error.code ?? 'unknown'}).`,
        ),
      ),
    );
    server.listen(port, host, () => resolve({ host, port: (server.address() as AddressInfo).port }));
  });
}

function closed(server: SocketServer): Promise<void> {
  return new Promise((resolve) => server.close(() => resolve()));
}
