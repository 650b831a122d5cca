import type { CountersignError } from '../../../errors.ts';
import type { ServerRef } from '../../../call/call.ts';
import type { Gate } from '../../../gate/gate.ts';
import type { Listing } from '../../../gate/listing.ts';
import type { Credentials } from '../../../identity/principal.ts';
import type { McpHttpConnection, UpstreamAuthority } from '../../../targets/mcp-http.ts';
import type { McpPipe } from '../../../targets/mcp-pipe.ts';
import type { Frame } from '../../mcp/framer.ts';
import type { RelayPattern } from '../../mcp/methods.ts';

/** A server of the configuration, as the gateway reaches it. */
export interface McpUpstream {
  readonly server: ServerRef;
  /** What `relay` of the configuration opened. */
  readonly opened: readonly RelayPattern[];
  readonly transport: McpTransport;
  /** In whose name it is asked, by what a request brings: of a server that is asked for people. */
  readonly actsFor?: ((credentials: Credentials) => UpstreamAuthority) | undefined;
  /** The gate, with the tools that this listing names. */
  readonly gateFor: (listing: Listing) => Gate;
}

export type McpTransport =
  | { readonly kind: 'http'; connect(): McpHttpConnection }
  | {
      readonly kind: 'pipe';
      /**
       * Rejects with UPSTREAM_GONE when the server cannot be started or reached.
       *
       * @param onRefused Requests that the server did not take, by `MessageId.key`; of calls, `execute` says it.
       */
      connect(
        onFrame: (frame: Frame) => void,
        onRefused: (keys: readonly string[], error: CountersignError) => void,
      ): Promise<McpPipe>;
    };
