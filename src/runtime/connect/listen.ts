import { setTimeout as sleep } from 'node:timers/promises';
import type { CountersignError } from '../../errors.ts';
import { readEventStream, type StreamPosition } from '../../targets/mcp-event-stream.ts';
import type { Asked } from './asked.ts';
import { deliver } from './deliver.ts';
import { unusable } from './gate-answer.ts';
import type { RemoteState } from './remote-relay.ts';
import { isEventStream } from './remote-session.ts';

/** Bytes of a stream that hold no message: a gate that has nothing to say for days sends a comment now and then. */
const maxIdleBytes = 64 << 20;
/** Milliseconds before a stream is taken up again, where the gate names none; doubled with each failure. */
const firstDelay = 500;
const maxDelay = 30_000;
const minDelay = 20;
const maxFailures = 6;

/** A stream, over all its parts. */
export interface Reading {
  readonly position: StreamPosition;
  readonly signal: AbortSignal;
  /** The requests that it can answer; absent where it can be any. */
  readonly among?: readonly Asked[];
}

/** Hands over what a stream brings, until it ends. Returns why the rest of it was not read. */
export async function readStream(
  state: RemoteState,
  response: Response,
  { position, signal, among }: Reading,
): Promise<CountersignError | undefined> {
  if (response.body === null) return undefined;
  const limits = { maxFrameBytes: state.maxMessageBytes, maxIdleBytes };
  for await (const event of readEventStream(response.body, limits, position, signal)) {
    if (event.fault) return unusable(event.fault.message);
    if (event.type === 'message') deliver(state, event.bytes, among);
    await state.whenToPause();
  }
  return undefined;
}

/** Takes up a stream that ended before its answers, as often as the gate lets us, while somebody waits for them. */
export async function resume(
  state: RemoteState,
  reading: Reading,
  isWaitedFor: () => boolean,
): Promise<void> {
  const goesOn = (): boolean => reading.position.lastEventId !== undefined && isWaitedFor();
  await follow(state, reading, goesOn, 1);
}

/** The stream that belongs to no request, by which the gate asks and tells a legacy client. Many servers have none. */
export async function listenWhileOpen(state: RemoteState): Promise<void> {
  const position: StreamPosition = { lastEventId: undefined, retryMs: undefined };
  await follow(state, { position, signal: state.end.signal }, () => state.lost === undefined, 0);
}

/** @param turn 0 asks at once, every other one after a pause. */
async function follow(
  state: RemoteState,
  reading: Reading,
  goesOn: () => boolean,
  turn: number,
): Promise<void> {
  const { position, signal } = reading;
  for (let failures = 0; goesOn() && !signal.aborted && failures < maxFailures; turn += 1) {
    if (turn > 0) await pause(position.retryMs ?? Math.min(firstDelay * 2 ** failures, maxDelay), signal);
    if (!goesOn()) return;
    try {
      const response = await state.session.listen(position.lastEventId, signal);
      if (!response.ok || !isEventStream(response)) {
        await response.body?.cancel();
        return;
      }
      failures = 0;
      if (await readStream(state, response, reading)) return;
    } catch {
      failures += 1;
    }
  }
}

/** Also resolves when it is no longer of use. A gate cannot have us ask again without a pause. */
function pause(ms: number, signal: AbortSignal): Promise<void> {
  return sleep(Math.max(ms, minDelay), undefined, { signal, ref: false }).catch(() => undefined);
}
