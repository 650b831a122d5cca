import { concatBytes, utf8 } from '../../call/bytes.ts';
import type { Call } from '../../call/call.ts';
import { uuidv7 } from '../../call/uuid.ts';
import { CountersignError } from '../../errors.ts';
import type { CallResult } from '../../gate/gate.ts';
import type { Credentials } from '../../identity/principal.ts';
import { denialMember, envelopeMember, objectOf } from '../meta-members.ts';
import type { CallInFlight } from './calls.ts';
import { canBeAsked, questionParams, saidIn, type Said } from './confirm-question.ts';
import { bringsSeal, questionKey, sealedCall, takeRetry, type Retried } from './confirm-retry.ts';
import { ownerOf } from './owner.ts';
import type { RelayState } from './relay-state.ts';
import type { CallRoute } from './route.ts';

/**
 * Confirmation by the client's person, where a rule demands it (`confirm`). It is the host's word and nothing more: it makes the same
 * call possible again as a call of its own, and stands for no approval. Clients of the legacy era are asked while they wait; of the
 * modern one, the answer says what is missing, and the call comes again with it.
 */

/** Milliseconds that a person has. */
const answeredWithin = 60_000;
const lineFeed = utf8('\n');

/** What the gate made of a call, and in place of its denial the question whether the call may run. */
export interface Confirming {
  readonly result: CallResult;
  /** A whole answer. */
  readonly question?: Uint8Array;
}

/** Takes a call through the gate, confirmed where its client's person said so: before, or now that a rule demands it. */
export async function runConfirming(
  state: RelayState,
  entry: CallInFlight,
  given: CallRoute,
  credentials: Credentials,
  callOf: (route: CallRoute) => Call,
  run: (call: Call) => Promise<CallResult>,
): Promise<Confirming> {
  const { route, said } = bringsSeal(given.request)
    ? await retried(state, given, credentials)
    : { route: given };
  const call: Call = { ...callOf(route), ...(said === 'yes' && { confirmed: true }) };
  const result = await run(call);
  const isCancelled = (): boolean => entry.abort.signal.aborted;
  if (!asksFor(result, call) || said === 'no' || isCancelled() || !canAsk(state, entry, call))
    return { result };
  if (call.era === 'modern') {
    const question = await questionAnswer(state, entry, route, asDecided(call, result), result, credentials);
    return { result, ...(question && { question }) };
  }
  if ((await ask(state, entry, asDecided(call, result))) === 'no' || isCancelled()) return { result };
  entry.callId = uuidv7(Date.now());
  return { result: await run({ ...call, id: entry.callId, confirmed: true }) };
}

/** Of no method that is not a tool: nothing shows what it does. */
function asksFor(result: CallResult, { kind, confirmed }: Call): result is Denied {
  const isDenied = result.kind === 'denied' && result.denial.code === 'CONFIRMATION_REQUIRED';
  return isDenied && kind === 'tool' && confirmed !== true;
}

type Denied = Extract<CallResult, { kind: 'denied' }>;

function canAsk({ known }: RelayState, { request }: CallInFlight, { era }: Call): boolean {
  return canBeAsked(request, era, known.canBeAsked === true);
}

/** What the person is shown: the call as it would run, whose arguments rules may have changed. */
function asDecided(call: Call, { decided = call }: Denied): Call {
  return decided;
}

/** Asks the client itself, by a request that no server hears of. No answer is a no. */
async function ask(state: RelayState, { abort }: CallInFlight, call: Call): Promise<Said> {
  let id = '';
  const giveUp = (): void => state.asked.answer(`s:${id}`, { kind: 'error', code: undefined });
  abort.signal.addEventListener('abort', giveUp, { once: true });
  try {
    const answer = await state.asked.ask((own) => {
      id = own;
      const question = `"method":"elicitation/create","params":${questionParams(call)}`;
      state.toClient(utf8(`{"jsonrpc":"2.0","id":"${own}",${question}}`), lineFeed);
    }, answeredWithin);
    if (abort.signal.aborted) withdraw(state, id, 'The call was cancelled.');
    return answer.kind === 'result' ? saidIn(answer.result, answer.parsed) : 'no';
  } catch {
    withdraw(state, id, 'The question was not answered in time.');
    return 'no';
  } finally {
    abort.signal.removeEventListener('abort', giveUp);
  }
}

function withdraw(state: RelayState, id: string, reason: string): void {
  const params = JSON.stringify({ requestId: id, reason });
  if (id !== '')
    state.toClient(utf8(`{"jsonrpc":"2.0","method":"notifications/cancelled","params":${params}}`), lineFeed);
}

/** A modern client's retry, freed of what is ours. */
async function retried(state: RelayState, route: CallRoute, credentials: Credentials): Promise<Retried> {
  const retry = await takeRetry(state.seals, route, state.server, await ownerBy(state, credentials));
  if (!retry)
    throw new CountersignError('FRAME_INVALID', 'Nothing is left of this retry but our own question.');
  return retry;
}

/** Who asks: undefined for whoever the gate does not know, or lets do nothing. */
async function ownerBy({ gate }: RelayState, credentials: Credentials): Promise<string | undefined> {
  try {
    return ownerOf(await gate.authenticate(credentials, 'call'));
  } catch {
    return undefined;
  }
}

/** The denial as an `input_required` result, the signed denial beside it. Undefined where nobody could say whose answer would count. */
async function questionAnswer(
  state: RelayState,
  entry: CallInFlight,
  { request }: CallRoute,
  call: Call,
  denied: Denied,
  credentials: Credentials,
): Promise<Uint8Array | undefined> {
  const owner = await ownerBy(state, credentials);
  if (owner === undefined) return undefined;
  const requestState = await state.seals.seal(sealedCall(request, state.server, owner));
  const question = `{"method":"elicitation/create","params":${questionParams(call)}}`;
  const result =
    `{"resultType":"input_required","inputRequests":{"${questionKey}":${question}},` +
    `"requestState":"${requestState}","_meta":${metaOf(denied)}}`;
  return concatBytes(utf8('{"jsonrpc":"2.0","id":'), entry.id.raw, utf8(`,"result":${result}}`));
}

function metaOf({ denial, envelopes }: Denied): string {
  return objectOf([denialMember(denial), ...(envelopes ? [envelopeMember(envelopes)] : [])]);
}
