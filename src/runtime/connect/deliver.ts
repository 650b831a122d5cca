import { utf8 } from '../../call/bytes.ts';
import type { SingleMessage } from '../../gateway/mcp/message.ts';
import { messagesOf, type Asked } from './asked.ts';
import type { RemoteState } from './remote-relay.ts';

const lineFeed = utf8('\n');

/**
 * Hands what the gate sent to the client, as a line. Only what a strict reader takes for one message passes, and of answers only
 * those to requests that wait: `among` them where they can only be these.
 */
export function deliver(state: RemoteState, bytes: Uint8Array, among?: readonly Asked[]): void {
  const messages = messagesOf(bytes)?.all ?? [];
  // One after the other: of two answers to one request, the second comes to nobody.
  const passing = messages.filter((message) => passes(state, message, among) && settled(state, message));
  if (passing.length < messages.length || messages.length === 0)
    state.warn('A message of the gate was dropped: it is not one that could be expected.');
  if (passing.length === 0) return;
  state.wasAnswered = true;
  if (passing.length === messages.length) state.toClient(oneLine(bytes), lineFeed);
  else
    for (const message of passing)
      if (message.kind !== 'refusal') state.toClient(oneLine(message.bytes), lineFeed);
}

function passes(
  { waiting, session }: RemoteState,
  message: SingleMessage,
  among?: readonly Asked[],
): boolean {
  switch (message.kind) {
    case 'refusal':
      return false;
    case 'notification':
      return true;
    case 'request':
      // There are none in the modern era, and a client there could take it for its own.
      return session.isLegacy;
    case 'response': {
      const key = message.id?.key;
      if (key === undefined || !waiting.has(key)) return false;
      return among === undefined || among.some(({ id }) => id.key === key);
    }
  }
}

function settled({ waiting, session, mirrored }: RemoteState, message: SingleMessage): true {
  const asked =
    message.kind === 'response' && message.id !== undefined ? waiting.take(message.id.key) : undefined;
  if (message.kind !== 'response' || message.result === undefined) return true;
  if (asked?.method === 'initialize') session.agreed(message);
  if (asked?.method === 'tools/list') mirrored.learn(message.result);
  return true;
}

/** In JSON a line feed can only stand between two tokens, where a blank is the same. */
function oneLine(bytes: Uint8Array): Uint8Array {
  return bytes.map((byte) => (byte === 0x0a || byte === 0x0d ? 0x20 : byte));
}
