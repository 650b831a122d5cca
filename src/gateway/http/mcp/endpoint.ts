import { createConfirmSeals } from '../../mcp/confirm-seal.ts';
import type { McpConversation } from './conversation.ts';
import { createHttpConversation } from './http-conversation.ts';
import { createPipeConversation } from './pipe-conversation.ts';
import { createSessions, type SessionLimits, type Sessions } from './sessions.ts';
import { createSingleRequests, type SingleRequests } from './single-requests.ts';
import type { ConversationOptions } from './conversation.ts';

/** What is behind one path: a server, or all of them together. */
export interface McpEndpoint {
  readonly sessions: Sessions;
  readonly single: SingleRequests;
  /** Begins the conversation of a legacy session; `onGone` is told when the server has ended it. */
  connect(onGone: () => void): Promise<McpConversation>;
  /** Whether its messages travel as lines, so that none may hold a line end. */
  readonly isOfLines: boolean;
  close(): Promise<void>;
}

export interface EndpointOptions extends ConversationOptions {
  readonly sessionLimits: SessionLimits;
}

/** One server, transparent: what it says passes as it is. */
export function createServerEndpoint({ sessionLimits, ...given }: EndpointOptions): McpEndpoint {
  const options: ConversationOptions = { seals: createConfirmSeals(), ...given };
  const { transport } = options.upstream;
  const sessions = createSessions(sessionLimits);
  const single = createSingleRequests(options);
  return {
    sessions,
    single,
    connect: (onGone) =>
      transport.kind === 'http'
        ? Promise.resolve(createHttpConversation(options, transport.connect()))
        : createPipeConversation(options, transport, onGone),
    isOfLines: transport.kind === 'pipe',
    async close() {
      await Promise.all([sessions.close(), single.close()]);
    },
  };
}
