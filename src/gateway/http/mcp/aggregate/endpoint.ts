import { ownerOf } from '../owner.ts';
import { createServerEndpoint, type McpEndpoint } from '../endpoint.ts';
import type { ConversationOptions, McpConversation } from '../conversation.ts';
import { createSessions, type SessionLimits } from '../sessions.ts';
import type { SingleRequests } from '../single-requests.ts';
import type { AggregateParts } from './client.ts';
import { createCursors } from './cursors.ts';
import type { AggregateServer } from './introduce.ts';
import { createLegacyAggregate, type AggregateConversationOptions } from './legacy-conversation.ts';
import { forModernClients } from './legacy-transport.ts';
import { defaultPatience, type Patience } from './link.ts';
import { createModernAggregate } from './modern-conversation.ts';
import { createOwnIds } from './own-messages.ts';

export interface AggregateEndpointOptions extends Pick<
  AggregateParts,
  'authenticate' | 'visibleTo' | 'version' | 'warn'
> {
  /** By name. No two of them may be `rivals` of each other. */
  readonly servers: ReadonlyMap<string, ConversationOptions>;
  readonly sessionLimits: SessionLimits;
  readonly patience?: Patience;
}

/**
 * All servers as one: their tools and prompts under `SERVER__NAME`, their resources under their own URIs. What it carries to a
 * server goes through that server's own relay and gate, in the bytes that are decided there.
 */
export function createAggregateEndpoint({
  servers,
  sessionLimits,
  patience = defaultPatience,
  ...given
}: AggregateEndpointOptions): McpEndpoint {
  const parts: AggregateParts = { ...given, cursors: createCursors(), ownId: createOwnIds() };
  const all = [...servers].map(([name, options]) => serverOf(name, options, sessionLimits));
  const options: AggregateConversationOptions = { parts, servers: all, patience };
  const sessions = createSessions(sessionLimits);
  const single = createOwnersRequests(options);
  return {
    sessions,
    single,
    connect: () =>
      Promise.resolve(
        createLegacyAggregate(options, async ({ credentials }) =>
          ownerOf(await parts.authenticate(credentials)),
        ),
      ),
    isOfLines: true,
    async close() {
      await Promise.all([sessions.close(), single.close()]);
      await Promise.all(all.flatMap(({ direct, bridged }) => [direct.close(), bridged.close()]));
    },
  };
}

function serverOf(name: string, options: ConversationOptions, sessionLimits: SessionLimits): AggregateServer {
  const { upstream } = options;
  const bridged = { ...upstream, transport: forModernClients(upstream.transport) };
  return {
    name,
    direct: createServerEndpoint({ ...options, sessionLimits }),
    bridged: createServerEndpoint({ ...options, upstream: bridged, sessionLimits }),
    unspoken: new Set(),
    actsFor: upstream.actsFor,
  };
}

/** How long what an owner's requests share outlives the last of them. */
const idleMs = 600_000;

interface Kept {
  readonly conversation: McpConversation;
  usedAt: number;
}

/** Modern requests: each owner has servers, tasks and resources of its own. */
function createOwnersRequests(options: AggregateConversationOptions): SingleRequests {
  const owners = new Map<string, Kept>();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const dropIdle = (): void => {
    timer = undefined;
    for (const [owner, { conversation, usedAt }] of owners) {
      if (!conversation.isIdle || performance.now() - usedAt < idleMs) continue;
      owners.delete(owner);
      void conversation.close();
    }
    if (owners.size > 0) timer = setTimeout(dropIdle, idleMs / 2);
  };
  return {
    conversationFor(owner) {
      const kept = owners.get(owner) ?? {
        conversation: createModernAggregate(options, owner),
        usedAt: 0,
      };
      kept.usedAt = performance.now();
      owners.set(owner, kept);
      timer ??= setTimeout(dropIdle, idleMs / 2);
      return Promise.resolve(kept.conversation);
    },
    async close() {
      clearTimeout(timer);
      const open = [...owners.values()];
      owners.clear();
      await Promise.all(open.map(({ conversation }) => conversation.close()));
    },
  };
}
