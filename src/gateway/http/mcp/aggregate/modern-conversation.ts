import { CountersignError } from '../../../../errors.ts';
import { eraOf } from '../../../mcp/era.ts';
import type { McpConversation } from '../conversation.ts';
import type { AggregateClient } from './client.ts';
import { createAggregateConversation, refuseMessage } from './conversation.ts';
import { introduceInAName } from './in-a-name.ts';
import { introduceToModern } from './introduce.ts';
import type { AggregateConversationOptions } from './legacy-conversation.ts';
import { createLink } from './link.ts';
import { createResources } from './resources.ts';
import { createTaskServers } from './task-servers.ts';

/** What the modern requests of one owner share: which servers there are, whose tasks and resources are whose. */
export function createModernAggregate(
  { parts, servers, patience }: AggregateConversationOptions,
  owner: string,
): McpConversation {
  const links = servers.map((server) =>
    createLink({
      name: server.name,
      begin: (caller, onGone) =>
        introduceInAName(server, caller, onGone, () =>
          introduceToModern({ server, caller, ownId: parts.ownId, onGone }, membersOf(caller.meta)),
        ),
      patience,
      warn: parts.warn,
      onLate: () => undefined,
    }),
  );
  const client: AggregateClient = {
    ...parts,
    era: 'modern',
    links,
    resources: createResources(links, parts.ownId, parts.warn),
    tasks: createTaskServers(),
  };
  return createAggregateConversation({
    client,
    owner: () => Promise.resolve(owner),
    take(message, _caller, sink) {
      if (message.kind === 'refusal') refuseMessage(message, sink);
      else sink.none(202);
      return Promise.resolve();
    },
    first({ request }) {
      if (eraOf(request.params) === 'legacy')
        throw new CountersignError('FRAME_INVALID', 'Begin a session with initialize first.');
      return Promise.resolve(false);
    },
    listen: () => Promise.resolve(405),
  });
}

/** The members of an object, as they are written in it. */
function membersOf(object: string | null): string {
  return object === null ? '' : object.slice(1, -1);
}
