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
   * that it refused with, or 200 while frames flow. It is taken up again where the server lets us, until `signal` is aborted;
   * an `onClosed` that is not resumable is its end. After an abort nothing more is told.
   *
   * @throws CountersignError `UPSTREAM_GONE` when the server cannot be reached, `UPSTREAM_INVALID` when it sends no stream.
   */
  listen(events: StreamEvents, headers: PassedHeaders, signal: AbortSignal): Promise<number>;
  /** Whether the server no longer knows the session: a client has to begin another one. */
  readonly isLost: boolean;
  /**
   * Ends the server's session (DELETE), as far as it lets itself be ended; resolves to its status, undefined without one or
   * when the server cannot be reached.
   */
  end(): Promise<number | undefined>;
}

/** Headers of the client's request that mean something to the server: `mcp-*` but no session id, and `accept`. In lower case. */
export type PassedHeaders = Readonly<Record<string, string>>;

/** The three doors of a target, all of whose answers come to one place. */
export interface McpHttpExchange extends McpTarget {
  /**
   * Nobody waits any more: in the modern era this is how a request is cancelled. Calls that are under way become `unknown`,
   * and no event follows but the answers to listings.
   */
  abort(): void;
}

/** In whose name a server is asked that wants to know it each time. */
export interface UpstreamAuthority {
  /**
   * The header `Authorization` of one request: a token of the server's own for that person, never what the person gave us. Rejects
   * with UPSTREAM_TOKEN_REFUSED, or HUMAN_MISSING where there is no person: then nothing is sent.
   */
  authorization(): Promise<string>;
  /** The server took this header for no good. */
  refused(authorization: string): void;
}

export interface StreamEvents {
  /** In whose name it is asked for; without one nothing is sent to a server that is asked for people. */
  readonly authority?: UpstreamAuthority | undefined;
  /** One message, or one batch. No more of the stream is read before a promise that this returns is settled. */
  readonly onMessage: (message: ServerMessage) => void | Promise<void>;
  /**
   * The server's stream has ended. When `isResumable`, somebody still waits and it is taken up again by us after `retryMs`
   * (1 s where the server did not say): messages go on, and this is told once more at its next end. Not told of an answer
   * that is no stream.
   */
  readonly onClosed: (closed: { readonly retryMs?: number; readonly isResumable: boolean }) => void;
}

export interface ExchangeEvents extends StreamEvents {
  readonly headers: PassedHeaders;
  /**
   * How the server began to answer what was relayed or executed: before any message of it. `stream` when it is
   * `text/event-stream`. The status is the server's to us: a 401 or 403 is about our credentials, not the client's. Told once
   * for each frame and each call, unless it fails without a message.
   */
  readonly onHead: (head: { readonly status: number; readonly isStream: boolean }) => void;
  /**
   * There will be no (further) message for what was relayed or listed: the server cannot be reached, answered with a status and no
   * message, broke off, or its answer is to something else. Told once for each frame or listing. Of what was executed,
   * `execute` says it.
   */
  readonly onFailed: (failure: McpSendFailure) => void;
}

/** What a server did not take, or gave no answer to. */
export interface McpSendFailure {
  /** The requests of one frame that have no answer, by id: `s:` and a string's text, or `n:` and a number. */
  readonly keys: readonly string[];
  /** Of the server's answer, if there was one. */
  readonly status?: number;
  readonly error: CountersignError;
}

/** What a server said, in bytes that nobody else holds; or why it is not usable. */
export type ServerMessage =
  | { readonly bytes: Uint8Array; readonly terminator: ''; readonly fault?: undefined }
  | { readonly fault: CountersignError };

export interface McpHttpOptions {
  readonly url: string;
  /** Sent with every request: the gateway's own credentials for this server. Never anything of the caller's. */
  readonly headers: Readonly<Record<string, string>>;
  /** Whether nothing is sent without an authority. */
  readonly isOnBehalf?: boolean;
  readonly fetch: typeof fetch;
  readonly limits: McpHttpLimits;
}

export interface McpHttpLimits {
  /** Bytes of one message. */
  readonly maxFrameBytes: number;
  /** Until the status line is there; for a call, its lease is the limit. A listing is answered within this time or not at all. */
  readonly headersMs: number;
  /** Between two bytes of an answer that is no stream; all of it within ten times as long. */
  readonly idleMs: number;
  /**
   * Bytes of a stream since its last message that hold none, beyond `maxFrameBytes` that may become one: comments, fields
   * that mean nothing.
   */
  readonly maxIdleBytes: number;
}

export const defaultMcpHttpLimits: McpHttpLimits = {
  maxFrameBytes: 16 << 20,
  headersMs: 60_000,
  idleMs: 60_000,
  maxIdleBytes: 1 << 20,
};
