import { createServer, type Server as SocketServer, type Socket } from 'node:net';
import { createServer as createTlsServer, type Server as TlsServer, type TLSSocket } from 'node:tls';
import { plainText, refuseRaw, type ServerRefusal } from './http-refusals.ts';
import type { TlsMaterial } from './tls-material.ts';

export interface TlsDoorOptions {
  readonly material: TlsMaterial;
  /** Milliseconds until a handshake is through, from the opening of a connection on. */
  readonly handshakeTimeout: number;
  readonly onSecure: (socket: TLSSocket) => void;
  /** Told of a connection that gets no further. */
  readonly onRefused: (refusal: ServerRefusal) => void;
}

/** A server for sockets that becomes one for HTTP behind TLS. */
export interface TlsDoor {
  /** Listens, and counts connections. */
  readonly server: SocketServer;
  /** What handshakes from now on show; connections that are open go on. */
  readonly renew: (material: TlsMaterial) => void;
  /** Breaks every connection, those among them whose handshake is not through and which nobody else knows. */
  readonly breakAll: () => void;
}

/** The first byte of every TLS connection: the type of a handshake's record (RFC 8446 §5.1). */
const handshakeRecord = 0x16;

/**
 * Lets nothing in but TLS 1.2 and 1.3. Client certificates are asked for and not judged here, beyond that their owner has the key:
 * whose they are is a matter of identity, and refused in a signed verdict.
 */
export function createTlsDoor({ material, handshakeTimeout, onSecure, onRefused }: TlsDoorOptions): TlsDoor {
  const open = new Set<Socket>();
  const secured: TlsServer = createTlsServer({
    ...secretsOf(material),
    requestCert: material.clients !== 'none',
    rejectUnauthorized: false,
    ALPNProtocols: ['http/1.1'],
    handshakeTimeout,
  });
  secured.on('secureConnection', (socket) => {
    // Another handshake within a connection could bring another certificate.
    socket.disableRenegotiation();
    onSecure(socket);
  });
  secured.on('tlsClientError', (_, socket) => {
    socket.destroy();
    onRefused(plainText);
  });

  const admit = (socket: Socket, first: Buffer): void => {
    if (first[0] !== handshakeRecord) {
      onRefused(plainText);
      refuseRaw(socket, plainText);
      return;
    }
    socket.unshift(first);
    secured.emit('connection', socket);
  };
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    const timer = setTimeout(() => socket.destroy(), handshakeTimeout);
    open.add(socket);
    socket.once('close', () => {
      clearTimeout(timer);
      open.delete(socket);
    });
    socket.on('error', () => socket.destroy());
    socket.once('readable', () => {
      clearTimeout(timer);
      const first = socket.read() as Buffer | null;
      if (first === null) socket.destroy();
      else admit(socket, first);
    });
  });
  return {
    server,
    renew: (next) => secured.setSecureContext(secretsOf(next)),
    breakAll() {
      for (const socket of open) socket.destroy();
    },
  };
}

function secretsOf({ certificate, key }: TlsMaterial) {
  return { cert: certificate, key, minVersion: 'TLSv1.2' } as const;
}
