import { concatBytes, utf8 } from '../../call/bytes.ts';
import { classify, type MessageId } from './message.ts';
import type { RelayState } from './relay-state.ts';
import { routeMessage } from './route.ts';

/** Milliseconds until nobody waits any more for a server to say that it has cancelled a task. */
const cancelWithinMs = 5_000;

/** Tells the server that a call which it is working at was stopped by us: its client has not asked for that, and will not. */
export function cancelCall(state: RelayState, { raw }: MessageId): void {
  tell(
    state,
    concatBytes(
      utf8('{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":'),
      raw,
      utf8(',"reason":"The call was stopped."}}\n'),
    ),
  );
}

/** The same for a task, under an id of our own. The answer says nothing that is not settled already. `meta` as `callerMeta`. */
export function cancelTask(state: RelayState, taskId: string, meta: string | null): void {
  const params = `{"taskId":${JSON.stringify(taskId)}${meta === null ? '' : `,"_meta":${meta}`}}`;
  const send = (id: string): void =>
    tell(
      state,
      utf8(`{"jsonrpc":"2.0","id":${JSON.stringify(id)},"method":"tasks/cancel","params":${params}}\n`),
    );
  state.listing.own.ask(send, cancelWithinMs).catch(() => undefined);
}

/** Through the same door as what a client says: it is made a frame only if it is no call. */
function tell({ target, known, opened }: RelayState, bytes: Uint8Array): void {
  if (known.isServerGone) return;
  const route = routeMessage(classify(bytes), opened, () => true);
  if (route.kind === 'relay') target.relay(route.frame);
}
