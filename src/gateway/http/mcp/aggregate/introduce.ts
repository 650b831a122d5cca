import { fromUtf8, utf8 } from '../../../../call/bytes.ts';
import { memberOf } from '../../../../call/json-node.ts';
import { CountersignError } from '../../../../errors.ts';
import type { Era } from '../../../mcp/era.ts';
import type { Request } from '../../../mcp/message.ts';
import type { McpEndpoint } from '../endpoint.ts';
import type { Post } from '../exchange.ts';
import type { McpUpstream } from '../upstream.ts';
import {
  beginLegacySession,
  initialized,
  introductionIn,
  tell,
  type LegacySession,
} from './legacy-session.ts';
import { requestOf } from './own-messages.ts';
import { ask, type Caller, type Reach } from './reach.ts';
import { membersWithout } from './rewrite.ts';
import { createSessionPool } from './session-pool.ts';

export const modernVersion = '2026-07-28';

/** A server of the configuration, as clients of either era get to it. */
export interface AggregateServer {
  readonly name: string;
  /** As it is. */
  readonly direct: McpEndpoint;
  /** A server of the revisions with sessions, made fit for modern clients. */
  readonly bridged: McpEndpoint;
  /** The eras that it was found not to speak: it is not asked so again. */
  readonly unspoken: Set<Era>;
  readonly actsFor: McpUpstream['actsFor'];
}

/** Milliseconds until a server has answered its handshake. Some are downloaded when they are started. */
const handshakeMs = 60_000;
/** Until a server has said whether it knows the modern era: silence is an answer too. */
const discoveryMs = 5_000;

const bridgedVersion = '2025-11-25';

export interface Introduction {
  readonly server: AggregateServer;
  readonly caller: Caller;
  readonly ownId: () => string;
  readonly onGone: () => void;
}

/** For a client with a session: with its own handshake, or through the requests of the modern era. */
export async function introduceToLegacy(
  introduction: Introduction,
  handshake: Request,
  begun: (session: LegacySession) => void,
): Promise<Reach> {
  const { server, caller, ownId, onGone } = introduction;
  const meta = metaOf(handshake);
  if (server.unspoken.has('legacy')) return discover(introduction, meta);
  try {
    const session = await beginLegacySession({
      connect: (gone) => server.direct.connect(gone),
      caller,
      params: membersWithout(handshake.frame, handshake.params),
      id: ownId(),
      withinMs: handshakeMs,
      answered: 'ping',
      onGone,
    });
    begun(session);
    return {
      speaks: 'legacy',
      version: session.version,
      capabilities: session.capabilities,
      ...(session.instructions !== undefined && { instructions: session.instructions }),
      conversationFor: () => Promise.resolve(session.conversation),
      close: () => session.conversation.close(),
    };
  } catch (error) {
    if (!isRefusal(error) || server.unspoken.has('modern')) throw error;
    const reach = await discover(introduction, meta);
    server.unspoken.add('legacy');
    return reach;
  }
}

/** For a client of the modern era: as it is, or with sessions that are the gateway's own. */
export async function introduceToModern(introduction: Introduction, meta: string): Promise<Reach> {
  const { server } = introduction;
  if (server.unspoken.has('modern')) return bridge(introduction, meta);
  try {
    const { meta: _, ...reach } = await discover(introduction, meta);
    return reach;
  } catch (error) {
    if (server.unspoken.has('legacy')) throw error;
    const reach = await bridge(introduction, meta);
    if (isRefusal(error)) server.unspoken.add('modern');
    return reach;
  }
}

async function discover({ server, caller, ownId }: Introduction, meta: string): Promise<Reach> {
  const single = {
    speaks: 'modern' as const,
    version: modernVersion,
    conversationFor: (post: Post) => server.direct.single.conversationFor(caller.owner, post),
  };
  const bytes = requestOf(ownId(), 'server/discover', [utf8(`"_meta":{${meta}}`)]);
  const answer = await ask(single, bytes, caller, { withinMs: discoveryMs });
  const versions = answer.result && memberOf(answer.result, 'supportedVersions');
  if (versions?.kind !== 'array' || !versions.value.includes(modernVersion)) throw refused();
  return { ...single, ...introductionIn(answer), meta, close: () => Promise.resolve() };
}

async function bridge({ server, caller, ownId, onGone }: Introduction, meta: string): Promise<Reach> {
  const begin = async (onSessionGone: () => void): Promise<LegacySession> => {
    const session = await beginLegacySession({
      connect: (gone) => server.bridged.connect(gone),
      caller,
      params: [
        utf8(`"protocolVersion":"${bridgedVersion}"`),
        utf8('"capabilities":{}'),
        utf8(`"clientInfo":${clientInfoIn(meta)}`),
      ],
      id: ownId(),
      withinMs: handshakeMs,
      answered: 'everything',
      onGone: onSessionGone,
    });
    await tell(session, initialized, caller);
    if (server.bridged.isOfLines) void session.conversation.listen({}, () => undefined);
    return session;
  };
  const pool = createSessionPool(begin, onGone);
  const first = await pool.first();
  return {
    speaks: 'legacy',
    version: first.version,
    capabilities: first.capabilities,
    ...(first.instructions !== undefined && { instructions: first.instructions }),
    conversationFor: (post) => pool.conversationFor(post),
    close: () => pool.close(),
  };
}

/** What a modern server is told of a client that said so in its handshake. It can be asked nothing: nobody would carry it. */
function metaOf({ frame, params }: Request): string {
  const node = params && memberOf(params, 'clientInfo');
  const info = node?.kind === 'object' ? fromUtf8(frame.subarray(node.start, node.end)) : undefined;
  return [
    `"io.modelcontextprotocol/protocolVersion":"${modernVersion}"`,
    `"io.modelcontextprotocol/clientInfo":${info ?? ourselves}`,
    '"io.modelcontextprotocol/clientCapabilities":{}',
  ].join(',');
}

const ourselves = '{"name":"countersign","version":"1"}';

function clientInfoIn(meta: string): string {
  const parsed = JSON.parse(`{${meta}}`) as Record<string, unknown>;
  const info = parsed['io.modelcontextprotocol/clientInfo'];
  return typeof info === 'object' && info !== null ? JSON.stringify(info) : ourselves;
}

/** The server answered, and not as one of this era would. */
function isRefusal(error: unknown): boolean {
  return error instanceof CountersignError && error.code === 'UPSTREAM_INVALID';
}

function refused(): CountersignError {
  return new CountersignError('UPSTREAM_INVALID', 'The server speaks no revision that we do.');
}
