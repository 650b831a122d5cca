import { isJsonObject, type Json, type JsonObject } from '../call/json.ts';
import { uuidv7 } from '../call/uuid.ts';
import { CountersignError, toCountersignError } from '../errors.ts';
import type { CallEnvelopes, Denial } from '../gate/gate.ts';
import { askCall, type AskedCall } from './ask-call.ts';
import { denialOfThrown } from './denial.ts';
import type { CallOptions, Execute, GateClient, RunResult, ToolCall } from './gate-client.ts';

/** For whom a call is made, and what it is narrowed to. Bound to the one call: kept nowhere, and in no trace, metadata or checkpoint of a framework. */
export type Delegator = Pick<CallOptions, 'humanToken' | 'deviceToken' | 'grant'>;

/** What every adapter is told. `From` is what its framework hands to a tool: context, session, request. */
export interface GovernOptions<From = unknown> {
  readonly gate: GateClient;
  /** What the application calls itself: policy's `server/tool`. At most 64 letters, digits, dots, dashes, underscores. */
  readonly server: string;
  /** Asked once for each call. What it throws denies the call. */
  readonly identity?: (from: From) => Delegator | undefined | Promise<Delegator | undefined>;
  /** What every call is narrowed to that `identity` names no grant for: a compact JWS. */
  readonly grant?: string;
  /** What the person asked for, in their words, asked once for each call: rules may hold arguments against it. */
  readonly request?: (from: From) => string | undefined;
  /** Milliseconds that carrying a call out may take; a minute unless told. */
  readonly settleWithin?: number;
  /** Told of each verdict, before anything runs. It only looks on: what it throws is dropped. */
  readonly onVerdict?: (verdict: GovernedVerdict) => void;
  /** Told how each call ended, a denied one too. It only looks on: what it throws is dropped. */
  readonly onEnd?: (ended: GovernedEnd) => void;
}

interface NamedCall {
  readonly tool: string;
  /** The framework's own id of the call, if it has one. */
  readonly toolCallId?: string;
}

export interface GovernedVerdict extends NamedCall {
  readonly callId: string;
  readonly decision: 'ALLOW' | 'DENY';
  readonly denial?: Denial;
  /** Absent where nothing was signed: nobody was asked, or nobody answered. */
  readonly envelopes?: CallEnvelopes;
}

export interface GovernedEnd extends NamedCall {
  readonly ended: RunResult<unknown>;
}

/** One call, as a framework has it. */
export interface GovernedCall<From> {
  readonly tool: string;
  readonly definition?: JsonObject | undefined;
  /** What the model gave. What is no JSON object is denied. */
  readonly arguments: unknown;
  /** The framework's own id of the call: the verdict commits to it. */
  readonly toolCallId?: string | undefined;
  /** That the framework has shown its person exactly this call, who said yes. */
  readonly confirmed?: boolean | undefined;
  readonly from: From;
  readonly signal?: AbortSignal | undefined;
}

/** What an adapter translates to. Neither rejects. */
export interface Governed<From> {
  ask(call: GovernedCall<From>): Promise<AskedCall>;
  run<T>(call: GovernedCall<From>, execute: Execute<T>): Promise<RunResult<T>>;
}

/** The one way from a framework's call to the gate: adapters translate, and hold no policy of their own. */
export function governed<From>(options: GovernOptions<From>): Governed<From> {
  const ask = async (call: GovernedCall<From>): Promise<AskedCall> => {
    const { tool, toolCallId } = call;
    const named = { tool, ...(toolCallId !== undefined && { toolCallId }) };
    const onEnd = (ended: RunResult<unknown>): void => tell(options.onEnd, { ...named, ended });
    const asked = await askGate(options, call, onEnd);
    tell(options.onVerdict, { ...named, callId: asked.callId, ...verdictOf(asked) });
    if (asked.kind === 'denied') onEnd(asked);
    return asked;
  };
  return {
    ask,
    async run(call, execute) {
      const asked = await ask(call);
      return asked.kind === 'denied' ? asked : asked.run(execute);
    },
  };
}

async function askGate<From>(
  { gate, server, identity, request: requestOf, grant: ownGrant, settleWithin }: GovernOptions<From>,
  call: GovernedCall<From>,
  onEnd: (ended: RunResult<unknown>) => void,
): Promise<AskedCall> {
  const { tool, definition, toolCallId, confirmed, signal } = call;
  try {
    const { humanToken, deviceToken, grant = ownGrant } = await delegatorOf(identity, call.from);
    const request = requestOf?.(call.from);
    const asked: ToolCall = {
      server,
      tool,
      arguments: argumentsOf(call.arguments),
      ...(definition && { definition }),
      ...(request !== undefined && { request }),
      ...(confirmed === true && { confirmed }),
      ...(toolCallId !== undefined && { context: { toolCallId } }),
      ...(settleWithin !== undefined && { settleWithin }),
    };
    const options: CallOptions = {
      ...(humanToken !== undefined && { humanToken }),
      ...(deviceToken !== undefined && { deviceToken }),
      ...(grant !== undefined && { grant }),
      ...(signal && { signal }),
    };
    return await askCall(gate, asked, options, onEnd);
  } catch (error) {
    return { kind: 'denied', callId: uuidv7(Date.now()), denial: denialOfThrown(error) };
  }
}

async function delegatorOf<From>(identity: GovernOptions<From>['identity'], from: From): Promise<Delegator> {
  try {
    return (await identity?.(from)) ?? {};
  } catch (error) {
    throw toCountersignError(error, 'LOGIN_FAILED', 'For whom the call is made could not be found out.');
  }
}

function argumentsOf(given: unknown): JsonObject {
  const args = (given ?? {}) as Json;
  if (isJsonObject(args)) return args;
  throw new CountersignError('FRAME_INVALID', 'The arguments of a call are a JSON object.');
}

function verdictOf(asked: AskedCall): Pick<GovernedVerdict, 'decision' | 'denial' | 'envelopes'> {
  const { envelopes } = asked;
  const signed = envelopes && { envelopes };
  return asked.kind === 'allowed'
    ? { decision: 'ALLOW', ...signed }
    : { decision: 'DENY', denial: asked.denial, ...signed };
}

function tell<T>(listener: ((told: T) => void) | undefined, told: T): void {
  try {
    listener?.(told);
  } catch {
    // It looks on. What it does wrong must neither begin a call nor hide that one has run.
  }
}
