import { CountersignError } from '../errors.ts';
import { createClient } from './create-client.ts';
import type { GateClient } from './gate-client.ts';
import { httpTransport } from './http-transport.ts';

export interface ConnectGateOptions {
  /** Where `countersign serve` is reached: https, or http on this machine. */
  readonly url: string;
  readonly apiKey: string;
  /** What every call is narrowed to that brings no grant itself: a compact JWS, see `countersign grant`. */
  readonly grant?: string;
  /** For a unix socket, a proxy, or a runtime's own; the global one unless given. With one of your own, any http URL is taken. */
  readonly fetch?: typeof globalThis.fetch;
  /** Milliseconds that one try may take; 10,000 unless told. */
  readonly timeout?: number;
  /** How often a request that got no answer is sent again; 2 unless told. Always under the same call id. */
  readonly retries?: number;
}

/**
 * A gate elsewhere. A gate that cannot be reached is a denial (GATE_UNREACHABLE), never a permission.
 *
 * @throws CountersignError `CONFIG_INVALID` for a URL over which the key would travel in the open.
 */
export function connectGate(options: ConnectGateOptions): GateClient {
  const { apiKey, grant, fetch = globalThis.fetch, timeout = 10_000, retries = 2 } = options;
  const base = baseOf(options.url, options.fetch !== undefined);
  return createClient(httpTransport({ base, apiKey, grant, fetch, timeout, retries }));
}

function baseOf(text: string, isOwnFetch: boolean): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || (url.protocol !== 'https:' && url.protocol !== 'http:'))
    throw new CountersignError('CONFIG_INVALID', 'The gate’s URL is an https or http one.');
  if (url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '')
    throw new CountersignError('CONFIG_INVALID', 'The gate’s URL has no user, query or fragment.');
  if (url.protocol === 'http:' && !isLoopback(url.hostname) && !isOwnFetch)
    throw new CountersignError(
      'CONFIG_INVALID',
      'Beyond this machine a gate is reached over https: the API key travels with every request.',
    );
  if (!url.pathname.endsWith('/')) url.pathname += '/';
  return url;
}

/** Not by name but by address, and the one name that browsers and resolvers keep for this machine (RFC 6761 section 6.3). */
function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(hostname);
}
