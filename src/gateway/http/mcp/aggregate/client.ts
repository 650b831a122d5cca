import type { Gate } from '../../../../gate/gate.ts';
import type { Principal } from '../../../../identity/principal.ts';
import type { JsonObject } from '../../../../call/json.ts';
import type { Era } from '../../../mcp/era.ts';
import type { Request } from '../../../mcp/message.ts';
import type { Exchange } from '../exchange.ts';
import { progressTokensOf, type ProgressToken } from '../request-ids.ts';
import type { Cursors } from './cursors.ts';
import type { Heard } from './inner-answer.ts';
import type { Link } from './link.ts';
import type { Caller } from './reach.ts';
import type { Resources } from './resources.ts';
import type { ServerRequests } from './server-requests.ts';
import type { TaskServers } from './task-servers.ts';

/** A tool as its server lists it, before anybody calls it. */
export interface ListedByServer {
  readonly server: string;
  readonly name: string;
  /** The server's own hints. */
  readonly annotations?: JsonObject;
}

/** What all clients of the endpoint have in common. */
export interface AggregateParts {
  readonly authenticate: Gate['authenticate'];
  /** What policy could ever allow this principal. */
  readonly visibleTo: (principal: Principal) => (tool: ListedByServer) => boolean;
  readonly version: string;
  readonly cursors: Cursors;
  readonly ownId: () => string;
  readonly warn: (sentence: string) => void;
}

/** One client: a legacy session, or what the modern requests of one owner share. */
export interface AggregateClient extends AggregateParts {
  readonly era: Era;
  readonly links: readonly Link[];
  readonly resources: Resources;
  readonly tasks: TaskServers;
  /** What servers ask the client; in the modern era they do not. */
  readonly requests?: ServerRequests;
  /** Of a client with a session: which server may report progress under a token. */
  readonly progress?: Map<ProgressToken, string>;
}

/** One request of the client, and where its answer goes. */
export interface Errand {
  readonly request: Request;
  readonly caller: Caller;
  readonly sink: Heard;
  /** It was carried to a server. */
  readonly onCarried: (server: string, exchange: Exchange) => void;
}

export function linkTo({ links }: AggregateClient, server: string | undefined): Link | undefined {
  return links.find(({ name }) => name === server);
}

/** Whatever kind of message tells it: the task is this server's. */
export function noteTask({ tasks, warn }: AggregateClient, server: string, taskId: unknown): void {
  if (typeof taskId === 'string' && !tasks.note(taskId, server))
    warn(`The server ${server} names a task that is another server's.`);
}

const maxTokens = 4_096;

/** A request goes to this server. A token that is used again is the last one's. */
export function noteProgress({ progress }: AggregateClient, server: string, request: Request): void {
  for (const token of progressTokensOf(request)) {
    progress?.delete(token);
    progress?.set(token, server);
  }
  const [oldest] = progress?.keys() ?? [];
  if (progress && progress.size > maxTokens && oldest !== undefined) progress.delete(oldest);
}
