import { CountersignError } from '../errors.ts';
import type { CallOptions, Execute, GateClient, RunResult, ToolCall } from './gate-client.ts';
import { startLease, type Lease } from './lease.ts';
import { argumentsText } from './request-bytes.ts';
import { evidenced, giveBack, settleCall, type Begun, type Ended, type WhyNotBegun } from './settle-call.ts';

export type DeniedCall = Extract<RunResult<never>, { kind: 'denied' }>;

/** A call that was asked about and has not begun. */
export type AskedCall = DeniedCall | AllowedCall;

/** One of its three functions is called, once; whatever is called after that throws PERMIT_INVALID. */
export interface AllowedCall {
  readonly kind: 'allowed';
  readonly callId: string;
  readonly envelopes: Begun['decided']['envelopes'];
  /** Carries it out, and reports. */
  run<T>(execute: Execute<T>): Promise<RunResult<T>>;
  /**
   * The same for what comes in parts. The last part is the result; what the generator returns tells it. Whoever stops reading
   * stops the call, and its outcome is unknown then.
   */
  stream<T>(execute: ExecuteInParts<T>): AsyncGenerator<T, RunResult<T | undefined>, void>;
  /** Reports that it was not begun. */
  giveBack(): Promise<DeniedCall>;
}

export type ExecuteInParts<T> = (...given: Parameters<Execute<T>>) => AsyncIterable<T>;

/**
 * Asks, and hands out what was allowed: what is not allowed cannot be begun, and what was begun is always reported.
 *
 * @param onEnd Told how an allowed call ended.
 */
export async function askCall(
  gate: Pick<GateClient, 'decide' | 'report'>,
  call: ToolCall,
  options: CallOptions = {},
  onEnd: (ended: RunResult<unknown>) => void = () => undefined,
): Promise<AskedCall> {
  // Both taken from before the gate was asked: whoever's clock is wrong, the permit does not last longer here than there, and
  // whoever else holds the arguments may change them while the gate decides.
  const asked = performance.now();
  const text = argumentsText(call);
  const decided = await gate.decide(call, options);
  if (decided.decision === 'DENY') {
    const { callId, denial, envelopes } = decided;
    const signed = { ...(envelopes && { envelopes }), ...evidenced(callId, denial, envelopes) };
    return { kind: 'denied', callId, denial, ...signed };
  }
  const lease = startLease(decided.lasts, asked, options.signal);
  return allowed({ gate, decided, options, onEnd }, call, text, lease);
}

function allowed(begun: Begun, call: ToolCall, text: string | undefined, lease: Lease): AllowedCall {
  let isUsed = false;
  const use = (): void => {
    if (isUsed) throw new CountersignError('PERMIT_INVALID', 'This call was begun or given back before.');
    isUsed = true;
  };
  const whyNotNow = (): WhyNotBegun | undefined => {
    if (lease.signal.aborted) return 'CALLER_CANCELLED';
    return argumentsText(call) === text ? undefined : 'ARGUMENTS_CHANGED';
  };
  const { callId, envelopes } = begun.decided;
  return {
    kind: 'allowed',
    callId,
    envelopes,
    async run(execute) {
      use();
      const why = whyNotNow();
      try {
        if (why !== undefined) return await giveBack(begun, why);
        const ended = await carryOut(() => execute(call.arguments, lease.signal));
        return await settleCall(begun, ended, lease.signal.aborted);
      } finally {
        lease.end();
      }
    },
    async *stream(execute) {
      use();
      const why = whyNotNow();
      try {
        if (why !== undefined) return await giveBack(begun, why);
        return yield* inParts(begun, () => execute(call.arguments, lease.signal), lease);
      } finally {
        lease.end();
      }
    },
    async giveBack() {
      use();
      lease.end();
      return giveBack(begun);
    },
  };
}

async function carryOut<T>(execute: () => Promise<T>): Promise<Ended<T>> {
  try {
    return { result: await execute() };
  } catch (error) {
    return { error };
  }
}

async function* inParts<T>(
  begun: Begun,
  execute: () => AsyncIterable<T>,
  { signal }: Lease,
): AsyncGenerator<T, RunResult<T | undefined>, void> {
  let ended: Ended<T | undefined> | undefined;
  try {
    let last: T | undefined;
    for await (const part of execute()) {
      last = part;
      yield part;
    }
    ended = { result: last };
  } catch (error) {
    ended = { error };
  } finally {
    // Whoever reads has stopped: how far it got cannot be said.
    if (ended === undefined) await settleCall(begun, { error: undefined }, true);
  }
  return settleCall(begun, ended, signal.aborted);
}
