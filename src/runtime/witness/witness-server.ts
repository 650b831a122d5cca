import type { AddressInfo } from 'node:net';
import { createAdaptorServer } from '@hono/node-server';
import { CountersignError, systemCode } from '../../errors.ts';
import { createWitnessApp } from '../../witness/app.ts';
import type { Answered } from '../../witness/app.ts';
import { systemClock } from '../clock.ts';
import type { OpenedWitness } from './witness.ts';

export type { Answered } from '../../witness/app.ts';

export interface WitnessServer {
  /** Where it listens: the submission prefix of https://c2sp.org/tlog-witness. */
  readonly url: string;
  /** Takes no more connections, and answers what has begun. */
  stop(): Promise<void>;
}

export interface ListenOptions {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  readonly onAnswer: (answered: Answered) => void;
}

/** Milliseconds for a request to arrive whole. It is a few kilobytes; who is slower holds a connection for nothing. */
const requestTimeout = 10_000;

/** Milliseconds that a stop waits for answers that have begun. */
const stopTimeout = 5_000;

/** Serves a witness over HTTP until it is stopped. CONFIG_INVALID when it cannot listen there. */
export async function serveWitness(
  witness: OpenedWitness,
  { host, port, onAnswer }: ListenOptions,
): Promise<WitnessServer> {
  const { name, signer, books } = witness;
  const app = createWitnessApp({ name, signer, store: books, clock: systemClock, onAnswer });
  const server = createAdaptorServer({
    fetch: app.fetch,
    hostname: host,
    serverOptions: { requestTimeout, headersTimeout: requestTimeout, connectionsCheckingInterval: 1_000 },
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: Error) => reject(cannotListen(error, host, port)));
    server.listen(port, host, resolve);
  });
  return {
    url: urlOf(server.address() as AddressInfo),
    async stop() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      const late = setTimeout(
        () => 'closeAllConnections' in server && server.closeAllConnections(),
        stopTimeout,
      );
      await closed;
      clearTimeout(late);
    },
  };
}

function urlOf({ address, family, port }: AddressInfo): string {
  return `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`;
}

function cannotListen(cause: Error, host: string, port: number): CountersignError {
  const why = systemCode(cause);
  return new CountersignError(
    'CONFIG_INVALID',
    `The witness cannot listen on ${host}, port ${port} (${why}).`,
    {
      cause,
    },
  );
}
