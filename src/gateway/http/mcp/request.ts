import type { Context } from 'hono';
import { CountersignError } from '../../../errors.ts';
import type { Gate } from '../../../gate/gate.ts';
import type { Principal } from '../../../identity/principal.ts';
import type { Streams, Watch } from '../streams.ts';
import type { McpEndpoint } from './endpoint.ts';
import { sessionHeader } from './request-headers.ts';
import type { Session } from './sessions.ts';

export interface McpRoutesOptions {
  readonly authenticate: Gate['authenticate'];
  readonly watch: Gate['watch'];
  /** By name, and all together under the empty one. */
  readonly endpoints: ReadonlyMap<string, McpEndpoint>;
  readonly streams: Streams;
  /** Bytes of one body, at most. */
  readonly maxBodyBytes: number;
  /** Whether there is a place to log in: then a call that needs a person is answered with 401. */
  readonly isLoginOffered?: boolean | undefined;
}

/** Everything that one request is handled with. */
export interface McpRequest extends Omit<McpRoutesOptions, 'watch'> {
  readonly context: Context;
  readonly endpoint: McpEndpoint;
  /** Whose sessions and tasks these are. */
  readonly owner: string;
  readonly apiKeyId: string;
  /** Whether this caller is still good. */
  readonly watch: Watch;
  /** Why this caller may nothing, who is known all the same: its calls are denied, and all else is refused. */
  readonly refusal?: Principal['refusal'];
}

/** The session that a request names; undefined when it names none. */
export function sessionOf({ context, endpoint, owner, watch, refusal }: McpRequest): Session | undefined {
  if (refusal) throw new CountersignError(refusal.code, refusal.message);
  const id = context.req.header(sessionHeader);
  if (id === undefined) return undefined;
  const session = endpoint.sessions.find(id, owner, watch);
  if (!session) throw new CountersignError('NOT_FOUND', 'There is no such session: begin another one.');
  return session;
}
