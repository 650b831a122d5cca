import type { CountersignError } from '../errors.ts';
import type { McpTarget } from './mcp-target.ts';

/**
 * An MCP server behind Streamable HTTP, as one conversation sees it: a legacy session, or the requests of a modern client.
 * Each request has an answer stream of its own, so what the gateway gets from it is an exchange.
 */
export interface McpHttpConnection {
  /** For one request of the client: what is relayed or executed through it answers to these events. */
  exchange(events: ExchangeEvents): McpHttpExchange;
  /**
   * The stream of a legacy session that belongs to no request (GET). Resolves once the server has answered: with the status
   * that it refused with, or 200 while frames flow.
   */
  listen(events: StreamEvents, headers: PassedHeaders, signal: AbortSignal): Promise<number>;
  /** Ends the server's session (DELETE), as far as it lets itself be ended; resolves to its status, undefined without one. */
  end(): Promise<number | undefined>;
}

/** Headers of the client's request that mean something to the server: `mcp-*` but no session id, and `accept`. In lower case. */
export type PassedHeaders = Readonly<Record<string, string>>;

/** The three doors of a target, all of whose answers come to one place. */
export interface McpHttpExchange extends McpTarget {
  /** Nobody waits any more: in the modern era this is how a request is cancelled. */
  abort(): void;
}

export interface StreamEvents {
  /** One message, or one batch. */
  readonly onMessage: (message: ServerMessage) => void;
  /** The stream has ended; a legacy server may have said how it can be taken up again. */
  readonly onClosed: (closed: { readonly retryMs?: number; readonly isResumable: boolean }) => void;
}

export interface ExchangeEvents extends StreamEvents {
  readonly headers: PassedHeaders;
  /**
   * How the server began to answer what was relayed or executed: before any message of it. `stream` when it is
   * `text/event-stream`.
   */
  readonly onHead: (head: { readonly status: number; readonly isStream: boolean }) => void;
  /**
   * There will be no message for what was relayed: the server cannot be reached, answered with a status and no message, or
   * broke off. Of what was executed, `execute` says it.
   */
  readonly onFailed: (failure: { readonly status?: number; readonly error: CountersignError }) => void;
}

/** What a server said, in bytes that nobody else holds; or why it is not usable. */
export type ServerMessage =
  | { readonly bytes: Uint8Array; readonly terminator: ''; readonly fault?: undefined }
  | { readonly fault: CountersignError };

export interface McpHttpOptions {
  readonly url: string;
  /** Sent with every request: the gateway's own credentials for this server. Never anything of the caller's. */
  readonly headers: Readonly<Record<string, string>>;
  readonly fetch: typeof fetch;
  readonly limits: McpHttpLimits;
}

export interface McpHttpLimits {
  /** Bytes of one message. */
  readonly maxFrameBytes: number;
  /** Until the status line is there. */
  readonly headersMs: number;
  /** Between two bytes of an answer that is no stream. */
  readonly idleMs: number;
  /** Bytes of one stream that hold no message: comments, fields that mean nothing. */
  readonly maxIdleBytes: number;
}

export const defaultMcpHttpLimits: McpHttpLimits = {
  maxFrameBytes: 16 << 20,
  headersMs: 60_000,
  idleMs: 60_000,
  maxIdleBytes: 1 << 20,
};
