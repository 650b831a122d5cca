import { canonicalJson } from '../../call/canonical-json.ts';
import type { ServerRef } from '../../call/call.ts';
import type { JsonObject } from '../../call/json.ts';
import { hex, sha256, utf8 } from '../../call/sha256.ts';
import { CountersignError } from '../../errors.ts';
import type { McpTransport } from '../../gateway/http/mcp/upstream.ts';
import { relayPattern, type RelayPattern } from '../../gateway/mcp/methods.ts';
import { createMcpHttpConnection } from '../../targets/mcp-http-connection.ts';
import { defaultMcpHttpLimits } from '../../targets/mcp-http.ts';
import { openMcpSsePipe } from '../../targets/mcp-sse-pipe.ts';
import type { OnBehalfConfig } from '../config/exchange-schema.ts';
import type { Config } from '../config/schema.ts';
import { keyAuthentication, secretAuthentication } from '../exchange/client-authentication.ts';
import { createTokenExchange, type TokenExchange } from '../exchange/token-exchange.ts';

/** An MCP server of the configuration: what it is, and how it is reached. */
export interface DeclaredServer {
  readonly server: ServerRef;
  /** What an operator is shown of it: the resolved command line or the URL, as canonical JSON. */
  readonly place: Uint8Array;
  readonly opened: readonly RelayPattern[];
  readonly transport: McpTransport;
  /** Its tokens for the people that it is asked for; absent where it is asked in the gateway's own name. */
  readonly exchange?: TokenExchange;
}

export type UrlServer = Extract<Config['servers'][string], { url: string }>;

/** Reads a file that the configuration names; throws CONFIG_INVALID. */
export type KeyReader = (file: string) => string;

function exchangeFor(config: OnBehalfConfig, readKey: KeyReader): TokenExchange {
  const { clientSecret, privateKeyFile, keyId } = config;
  const authentication =
    privateKeyFile === undefined
      ? Promise.resolve(secretAuthentication(clientSecret ?? ''))
      : keyAuthentication(readKey(privateKeyFile), keyId, privateKeyFile);
  // Whoever asks first is told.
  authentication.catch(() => undefined);
  return createTokenExchange({ config, authentication: () => authentication, fetch });
}

/** One that is reached by URL: in every runtime. */
export function urlServer(
  name: string,
  { url, transport, headers, relay, onBehalf }: UrlServer,
  readKey: KeyReader,
): DeclaredServer {
  const place = placeOf({ url, transport });
  const isOnBehalf = onBehalf !== undefined;
  const shared = { url, headers, fetch, limits: defaultMcpHttpLimits, isOnBehalf };
  return {
    server: { name, digest: hex(sha256(place)) },
    place,
    opened: openedMethods(name, relay),
    ...(isOnBehalf && { exchange: exchangeFor(onBehalf, readKey) }),
    transport:
      transport === 'sse'
        ? {
            kind: 'pipe',
            connect: (onFrame, onRefused) =>
              openMcpSsePipe({
                ...shared,
                onMessage: onFrame,
                onFailed: ({ keys, error }) => onRefused(keys, error),
              }),
          }
        : { kind: 'http', connect: () => createMcpHttpConnection(shared) },
  };
}

export function placeOf(place: JsonObject): Uint8Array {
  return utf8(canonicalJson(place));
}

export function openedMethods(name: string, patterns: readonly string[]): readonly RelayPattern[] {
  return patterns.map((source) => {
    const pattern = relayPattern(source);
    if (!pattern)
      throw new CountersignError(
        'CONFIG_INVALID',
        `servers.${name}.relay cannot take “${source}”: give a method, or a prefix and *.`,
      );
    return pattern;
  });
}
