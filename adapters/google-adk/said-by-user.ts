import type { Context } from '@google/adk';
import { lastUserText } from '../../src/adapter.ts';

/**
 * What the user of this session said last, for `request`. An answer to a question of the agent's tools is none of it. Whoever calls
 * an agent as a tool (`AgentTool`) is the user of a session of its own.
 */
export function saidByUser({ invocationContext }: Context): string | undefined {
  const { events } = invocationContext.session;
  // Responses of tools have the role of a user too, and an agent for their author.
  return lastUserText(events.filter(({ author }) => author === 'user').map(({ content }) => content));
}
