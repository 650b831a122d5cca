import { utf8 } from '../../call/bytes.ts';
import type { Call } from '../../call/call.ts';
import { memberOf } from '../../call/json-node.ts';
import { isRevocationCode } from '../../call/revocation-code.ts';
import { uuidv7 } from '../../call/uuid.ts';
import { toCountersignError } from '../../errors.ts';
import type { CallEnvelopes, CallResult, Denial } from '../../gate/gate.ts';
import type { Execution } from '../../targets/target.ts';
import { denialOfExecution, envelopeMember } from '../meta-members.ts';
import { denialAnswer, denialError } from './answers.ts';
import { cancelCall, cancelTask } from './cancel-upstream.ts';
import { changedAnswer } from './changed-answer.ts';
import { withArguments } from './changed-arguments.ts';
import { callerMeta, clientOf } from './client-info.ts';
import { runConfirming, type Confirming } from './confirm.ts';
import type { Era } from './era.ts';
import { eraOf } from './era.ts';
import { executionOf, invalidAnswer } from './execution.ts';
import type { InFlight, Reply } from './in-flight.ts';
import type { Request } from './message.ts';
import type { RelayState } from './relay-state.ts';
import type { CallRoute } from './route.ts';
import type { ServerAnswer } from './server-answer.ts';
import { withMembers } from './server-answer.ts';
import { announcedTask } from './task-state.ts';
import { openRequest } from './requests.ts';

/** A call in flight, and what has become of it. */
export interface CallInFlight extends InFlight {
  /** Another one once its client has confirmed it: that is a call of its own. */
  callId: string;
  readonly abort: AbortController;
  readonly request: Request;
  /** The server's answer, once there is a usable one. */
  response?: ServerAnswer;
  /** Whether the server answered at all, usable or not. */
  isAnswered: boolean;
  /** The client wants no answer. */
  isCancelled: boolean;
  /** The task that the server's answer announced. */
  task?: string;
  /** Settles what the gate has to say of an answer that announced a task. */
  readonly envelopes: PromiseWithResolvers<CallEnvelopes | undefined>;
}

const lineFeed = utf8('\n');

/** Takes a call through the gate and answers the client. */
export function startCall(state: RelayState, route: CallRoute, reply: Reply): void {
  const { request } = route;
  const era = eraOf(request.params);
  const entry: CallInFlight = {
    id: request.id,
    method: request.method,
    callId: uuidv7(Date.now()),
    abort: new AbortController(),
    request,
    reply,
    isAnswered: false,
    isCancelled: false,
    envelopes: Promise.withResolvers(),
  };
  if (!openRequest(state, entry)) return;
  state.listing.speaking(callerMeta(request));
  const running = runCall(state, entry, route, era).finally(() => {
    state.running.delete(running);
  });
  state.running.add(running);
}

function callOf(state: RelayState, { request, shape, payload }: CallRoute, id: string, era: Era): Call {
  const client = clientOf(request) ?? state.known.clientInfo;
  const { start, end } = request.params ?? { start: 0, end: 0 };
  return {
    id,
    server: state.server,
    kind: request.method === 'tools/call' ? 'tool' : 'method',
    tool: shape.tool,
    params: payload.subarray(start, end),
    arguments: shape.arguments,
    payload,
    era,
    ...(client && { client }),
    ...(state.fixesArguments !== true && changeable(request)),
  };
}

/** Of what is not a tool, no arguments can be told apart in its params. */
function changeable(request: Request): Pick<Call, 'withArguments'> {
  return request.method === 'tools/call' ? { withArguments: (args) => withArguments(request, args) } : {};
}

async function runCall(state: RelayState, entry: CallInFlight, route: CallRoute, era: Era): Promise<void> {
  const given = state.credentials();
  const credentials = given instanceof Promise ? await given : given;
  const { result, question } = await runConfirming(
    state,
    entry,
    route,
    credentials,
    (to) => callOf(state, to, entry.callId, era),
    (call) => state.gate.run(call, credentials, state.target, entry.abort.signal),
  ).catch((error: unknown): Confirming => ({ result: failedGate(error) }));
  entry.envelopes.resolve(result.kind === 'done' ? result.envelopes : undefined);
  if (mayStillBeAnswered(entry, result)) state.inFlight.retire(entry.id.key);
  else state.inFlight.close(entry.id.key);
  stopUpstream(state, entry, result);

  if (entry.isCancelled) {
    entry.reply.none();
    return;
  }
  if (question) {
    entry.reply.answer(question, lineFeed);
    return;
  }
  const response = entry.response && answerOf(entry.response, result);
  if (response && result.kind === 'done') {
    entry.reply.answer(withMembers(response, [envelopeMember(result.envelopes)]), response.terminator);
  } else {
    const told = { id: entry.id, method: entry.method, era, ...denied(result) };
    const { code } = told.denial;
    entry.reply.answer(
      denialAnswer(told),
      lineFeed,
      result.kind === 'denied' ? { code, asError: () => denialError(told) } : undefined,
    );
  }
}

/** The server's answer as the client may have it: the gate may have taken something out of it, or all. */
function answerOf(answer: ServerAnswer, result: CallResult): ServerAnswer | undefined {
  return result.kind === 'done' ? changedAnswer(answer, result.execution) : undefined;
}

/** What the gate has ended, the server still works at: it hears of that only from us. */
function stopUpstream(state: RelayState, entry: CallInFlight, result: CallResult): void {
  if (result.kind !== 'done') return;
  const { execution, until } = result;
  const isUnknown = execution.kind === 'none' && execution.outcome === 'unknown';
  const byUs = isUnknown && (execution.code === 'LEASE_ENDED' || isRevocationCode(execution.code));
  if (byUs && !entry.isCancelled) cancelCall(state, entry.id);
  const { task } = entry;
  if (until === undefined || task === undefined) return;
  const cancel = (): void => cancelTask(state, task, callerMeta(entry.request));
  if (until.aborted) cancel();
  else until.addEventListener('abort', cancel, { once: true });
}

/** A gate does not throw. One that does has not said that the call may run. */
function failedGate(error: unknown): CallResult {
  const { code, message } = toCountersignError(
    error,
    'INTERNAL',
    'The gate failed while it handled this call.',
  );
  return { kind: 'denied', denial: { code, message, retryable: false } };
}

/** Whether bytes of this call reached the server, and no answer has come. */
function mayStillBeAnswered({ isAnswered }: CallInFlight, result: CallResult): boolean {
  if (isAnswered || result.kind === 'denied') return false;
  return (
    result.kind === 'unrecorded' ||
    (result.execution.kind === 'none' && result.execution.outcome === 'unknown')
  );
}

function denied(result: CallResult): { readonly denial: Denial; readonly envelopes?: CallEnvelopes } {
  if (result.kind !== 'done') {
    const { denial, envelopes } = result;
    return { denial, ...(envelopes && { envelopes }) };
  }
  return { denial: denialOf(result.execution), envelopes: result.envelopes };
}

function denialOf(execution: Execution): Denial {
  if (execution.kind !== 'none') {
    return {
      code: 'INTERNAL',
      message: 'The answer of the server is missing; the call may have run.',
      retryable: false,
    };
  }
  return denialOfExecution(execution);
}

/** Hands the server's answer to a call to whoever executes it. False if nobody waits for it. */
export function answerCall(state: RelayState, entry: CallInFlight, answer: ServerAnswer): boolean {
  if (entry.isAnswered || !state.target.isAwaiting(entry.callId)) return false;
  entry.isAnswered = true;
  const { message } = answer;
  const taskId = message.result && announcedTask(message.result, askedForTask(entry.request));
  const execution = executionOf(message, taskId !== undefined);
  if (execution.kind !== 'none') entry.response = answer;
  if (taskId !== undefined && execution.kind === 'result') {
    entry.task = taskId;
    state.tasks.created(taskId, entry.callId, entry.envelopes.promise);
  }
  state.target.answer(entry.callId, execution);
  return true;
}

/** The server answered a call with something that is no answer. False if nobody waits for it. */
export function answerCallInvalidly(state: RelayState, entry: CallInFlight): boolean {
  if (entry.isAnswered || !state.target.isAwaiting(entry.callId)) return false;
  entry.isAnswered = true;
  state.target.answer(entry.callId, invalidAnswer);
  return true;
}

function askedForTask({ params }: Request): boolean {
  return params !== undefined && memberOf(params, 'task') !== undefined;
}

export function isCall(entry: InFlight): entry is CallInFlight {
  return entry.callId !== undefined;
}
