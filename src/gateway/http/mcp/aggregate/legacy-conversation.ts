import { utf8 } from '../../../../call/bytes.ts';
import { memberOf } from '../../../../call/json-node.ts';
import { CountersignError } from '../../../../errors.ts';
import type { Notification, Request } from '../../../mcp/message.ts';
import type { McpConversation } from '../conversation.ts';
import type { Post } from '../exchange.ts';
import type { AggregateClient, AggregateParts } from './client.ts';
import { createAggregateConversation, refuseMessage, type Underway } from './conversation.ts';
import { heardFrom } from './heard.ts';
import { introduceInAName } from './in-a-name.ts';
import { introduceToLegacy, type AggregateServer } from './introduce.ts';
import { initialized, tell, type LegacySession } from './legacy-session.ts';
import { createLink, type Patience } from './link.ts';
import { createOpenSessions } from './open-sessions.ts';
import { answerHandshake } from './own-answers.ts';
import type { Caller, Reach } from './reach.ts';
import { createResources } from './resources.ts';
import { createServerRequests, idKey } from './server-requests.ts';
import { createTaskServers } from './task-servers.ts';

export interface AggregateConversationOptions {
  readonly parts: AggregateParts;
  readonly servers: readonly AggregateServer[];
  readonly patience: Patience;
}

/** A legacy client's session with all servers: each has a session of its own, begun with the client's own handshake. */
export function createLegacyAggregate(
  { parts, servers, patience }: AggregateConversationOptions,
  ownerOf: (post: Pick<Post, 'credentials'>) => Promise<string>,
): McpConversation {
  const requests = createServerRequests();
  const sessions = createOpenSessions(() => links);
  const underway: Underway = new Map();
  let handshake: Request | undefined;
  let owner: Promise<string> | undefined;
  let isReady = false;
  let standalone: ((bytes: Uint8Array) => void) | undefined;

  const hear = (server: string, said: Uint8Array): void => {
    const heard = heardFrom(client, server, said);
    if (heard) standalone?.(heard);
  };
  const listenTo = (session: LegacySession, { name, direct }: AggregateServer): void => {
    // A server behind HTTP is asked for its stream only where somebody listens to ours.
    if (!direct.isOfLines && !standalone) return;
    void session.conversation
      .listen({ 'mcp-protocol-version': session.version }, (said) => hear(name, said))
      .catch(() => undefined);
  };
  const begin = async (server: AggregateServer, caller: Caller, onGone: () => void): Promise<Reach> => {
    if (!handshake) throw new CountersignError('INTERNAL', 'There was no handshake.');
    let begun: LegacySession | undefined;
    const introduction = { server, caller, ownId: parts.ownId, onGone };
    const reach = await introduceToLegacy(introduction, handshake, (session) => (begun = session));
    if (!begun) return reach;
    sessions.begun(reach, { session: begun, server });
    if (isReady) await tell(begun, initialized, caller);
    listenTo(begun, server);
    return reach;
  };
  const links = servers.map((server) =>
    createLink({
      name: server.name,
      begin: (caller, onGone) =>
        introduceInAName(server, caller, onGone, () => begin(server, caller, onGone)),
      patience,
      warn: parts.warn,
      onLate: () => {
        for (const changed of changes) standalone?.(changed);
      },
    }),
  );
  const client: AggregateClient = {
    ...parts,
    era: 'legacy',
    links,
    requests,
    resources: createResources(links, parts.ownId, parts.warn),
    tasks: createTaskServers(),
    progress: new Map(),
  };

  const ready = async (caller: Caller): Promise<void> => {
    if (isReady || !handshake) return;
    isReady = true;
    await sessions.tellAll(initialized, caller);
  };
  const noted = async (notification: Notification, caller: Caller): Promise<void> => {
    const { method, frame } = notification;
    if (method === 'notifications/initialized') return ready(caller);
    if (method === 'notifications/roots/list_changed') return sessions.tellAll(frame, caller);
    if (method === 'notifications/progress') {
      const forServer = requests.progressed(notification);
      if (forServer) await sessions.tellOne(forServer.server, forServer.bytes, caller);
    }
    if (method === 'notifications/cancelled') {
      const { server, exchange } = underway.get(cancelledKey(notification)) ?? {};
      if (server !== undefined && sessions.has(server)) await sessions.tellOne(server, frame, caller);
      else exchange?.cancel();
    }
  };

  return createAggregateConversation({
    client,
    underway,
    owner: (post) => (owner ??= ownerOf(post)),
    async take(message, caller, sink) {
      if (message.kind === 'refusal') {
        refuseMessage(message, sink);
        return;
      }
      if (message.kind === 'notification') await noted(message, caller);
      if (message.kind === 'response') {
        const forServer = requests.answered(message);
        if (forServer) await sessions.tellOne(forServer.server, forServer.bytes, caller);
      }
      sink.none(202);
    },
    async first(errand) {
      const { request, caller } = errand;
      if (request.method === 'initialize') {
        if (handshake) throw new CountersignError('FRAME_INVALID', 'This session was begun already.');
        handshake = request;
        await answerHandshake(client, errand);
        return true;
      }
      if (request.method !== 'ping') await ready(caller);
      return false;
    },
    listen(_headers, deliver) {
      standalone = deliver;
      for (const { session, server } of sessions.all()) listenTo(session, server);
      return Promise.resolve(200);
    },
  });
}

const changes = ['tools', 'resources', 'prompts'].map((listed) =>
  utf8(`{"jsonrpc":"2.0","method":"notifications/${listed}/list_changed"}`),
);

function cancelledKey({ params }: Notification): string {
  return idKey(params && memberOf(params, 'requestId'));
}
