import { utf8 } from '../../call/bytes.ts';
import { CountersignError } from '../../errors.ts';
import { errorAnswerTo } from './answers.ts';
import type { InFlight } from './in-flight.ts';
import type { RelayState } from './relay-state.ts';

const lineFeed = utf8('\n');

/** Takes note of a request. Where it may not go on, answers it with the reason, and is false. */
export function openRequest(state: RelayState, entry: InFlight): boolean {
  const error = whyNotOpened(state, entry);
  if (error) refuseRequest(entry, error);
  return error === undefined;
}

export function refuseRequest({ id, reply }: InFlight, error: CountersignError): void {
  reply.answer(errorAnswerTo(id, error), lineFeed);
}

/** Whether requests with these ids can all be opened. */
export function areFree(
  { inFlight, listing, maxInFlight, known }: RelayState,
  keys: readonly string[],
): boolean {
  return (
    !known.isServerGone &&
    new Set(keys).size === keys.length &&
    inFlight.size + keys.length <= maxInFlight &&
    keys.every((key) => !inFlight.isTaken(key) && !listing.own.isOurs(key))
  );
}

function whyNotOpened(state: RelayState, entry: InFlight): CountersignError | undefined {
  const { inFlight, listing, maxInFlight, known } = state;
  if (known.isServerGone) return serverGone;
  if (inFlight.size >= maxInFlight) {
    return new CountersignError('TOO_LARGE', `${maxInFlight} requests wait for their answers already.`);
  }
  if (listing.own.isOurs(entry.id.key) || !inFlight.open(entry)) {
    return new CountersignError('REQUEST_ID_IN_FLIGHT', 'A request with this id is still in flight.');
  }
  return undefined;
}

export const serverGone = new CountersignError('UPSTREAM_GONE', 'The server has ended.');
export const unusableAnswer = new CountersignError('UPSTREAM_INVALID', 'The server gave no usable answer.');
