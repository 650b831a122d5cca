import type { Frame } from './framer.ts';
import { isCall } from './calls.ts';
import { CountersignError } from '../../errors.ts';
import { handleClientFrame, handleClientMessage, stop } from './from-client.ts';
import type { Message } from './message.ts';
import { handleServerFrame } from './from-server.ts';
import { createConversation, type Conversation, type RelayOptions, type RelayState } from './relay-state.ts';
import { refuseRequest, serverGone } from './requests.ts';

export { createConversation, type Conversation, type RelayOptions } from './relay-state.ts';

/** One MCP conversation between a client and a server, whatever carries its frames. */
export interface Relay {
  fromClient(frame: Frame): void;
  /** The same, for a frame that was classified already. */
  take(message: Message): void;
  fromServer(frame: Frame): void;
  /** No answer will come to these requests, by `MessageId.key`. Of calls among them the target says so itself. */
  giveUp(keys: readonly string[], error: CountersignError): void;
  /** The server ended: whoever still waits is told so, and so is everybody who asks from now on. */
  serverGone(): void;
  /** The client wants no answer to these requests any more, by `MessageId.key`; whatever carries them is for others to stop. */
  cancel(keys: readonly string[]): void;
  /** Cancels every call that is not answered yet. */
  cancelCalls(): void;
  /** Resolves once no call is under way. */
  idle(): Promise<void>;
  /** The same, and what the server reported of tasks is recorded as well. */
  settled(): Promise<void>;
}

/**
 * The stateful middle: bytes pass as they are, and what makes the server work passes through the gate. It knows no
 * streams and no processes. Where a conversation has several ways to and from its client, each has a relay of its own.
 */
export function createRelay(
  options: RelayOptions,
  conversation: Conversation = createConversation(options.gate),
): Relay {
  const state: RelayState = { ...options, ...conversation };
  const idle = async (): Promise<void> => {
    while (state.running.size > 0) await Promise.all(state.running);
  };
  return {
    fromClient: (frame) => handleClientFrame(state, frame),
    take: (message) => handleClientMessage(state, message),
    fromServer: (frame) => handleServerFrame(state, frame),
    giveUp(keys, error) {
      for (const key of keys) {
        const entry = state.inFlight.get(key);
        if (!entry || isCall(entry)) continue;
        state.inFlight.close(key);
        // A handshake that failed is over: what waits for its end goes on.
        if (entry.method === 'initialize') state.listing.initialized();
        refuseRequest(entry, error);
      }
    },
    serverGone() {
      state.known.isServerGone = true;
      state.listing.own.fail();
      state.asked.fail();
      this.giveUp(
        state.inFlight.all().map(({ id }) => id.key),
        serverGone,
      );
    },
    cancel(keys) {
      for (const key of keys) {
        const entry = state.inFlight.get(key);
        if (entry) stop(state, entry);
      }
    },
    cancelCalls() {
      const reason = new CountersignError('CALLER_CANCELLED', 'The caller is gone.');
      for (const entry of state.inFlight.all()) if (isCall(entry)) entry.abort.abort(reason);
    },
    idle,
    async settled() {
      await idle();
      await state.tasks.close();
    },
  };
}
