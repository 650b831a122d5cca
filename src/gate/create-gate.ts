import { CountersignError, toCountersignError } from '../errors.ts';
import type { Authenticator, Credentials, Principal } from '../identity/principal.ts';
import type { ReasonCode } from '../names.ts';
import type { Execution, Target } from '../targets/target.ts';
import type { CallResult, Denial, Gate, Gates, ToolDirectory } from './gate.ts';
import type { GateParts, SharedGateParts } from './parts.ts';
import { createRefusals, type Refusals } from './refusals.ts';
import { createRecorder, type Recorded, type RecordedAllow, type Recorder } from './record.ts';
import { createSessions } from './sessions.ts';
import { createSettler, type Settler } from './settle.ts';
import { showVerdict } from './witnessing.ts';

/** One gate that knows its tools through one directory. */
export function createGate({ directory, ...parts }: GateParts): Gate {
  const gates = createGates(parts);
  const gate = gates.under(directory);
  return {
    ...gate,
    async close() {
      await gate.close();
      await gates.close();
    },
  };
}

/** The gates of one process: the same path, sessions and log; each knows its tools through a directory of its own. */
export function createGates(parts: SharedGateParts): Gates {
  const sessions = createSessions(parts);
  const shared: Shared = {
    parts,
    recorder: createRecorder(parts, sessions),
    settler: createSettler(parts),
    refusals: createRefusals(parts),
  };
  return {
    authenticate: (credentials) => authenticate(shared, credentials),
    under: (directory) => gateUnder(shared, directory),
    async close() {
      await shared.settler.settleWhatIsOwed();
      await shared.refusals.flush();
      await sessions.close();
    },
  };
}

interface Shared {
  readonly parts: SharedGateParts;
  readonly recorder: Recorder;
  readonly settler: Settler;
  readonly refusals: Refusals;
}

async function authenticate({ parts, refusals }: Shared, credentials: Credentials): Promise<Principal> {
  try {
    return await parts.authenticator.authenticate(credentials, parts.clock.now());
  } catch (error) {
    refusals.count(toCountersignError(error, 'INTERNAL', 'The credentials could not be checked.').code);
    throw error;
  }
}

/** The one path that everything that executes goes through. */
function gateUnder(shared: Shared, directory: ToolDirectory): Gate {
  const { parts, recorder, settler, refusals } = shared;
  const pending = new Map<string, RecordedAllow>();

  const run: Gate['run'] = async (call, credentials, target, signal) => {
    let recorded: Recorded;
    try {
      await settler.settleWhatIsOwed();
      const principal = await authenticate(shared, credentials);
      recorded = await recorder.record(call, principal, directory);
    } catch (error) {
      // Only what fails up to here is a denial: from here on the call may run.
      const denial = denialOf(error);
      if (denial.code === 'DENIALS_OVER_QUOTA') refusals.count(denial.code);
      return { kind: 'denied', denial };
    }
    if (recorded.verdict === 'DENY') {
      return { kind: 'denied', denial: recorded.denial, envelopes: recorded.envelopes };
    }
    return executeAndSettle(recorded, credentials, target, signal);
  };

  const executeAndSettle = async (
    recorded: RecordedAllow,
    credentials: Credentials,
    target: Target,
    signal: AbortSignal,
  ): Promise<CallResult> => {
    const { allow, aborted } = await showVerdict(parts, recorded, signal);
    const startedAt = parts.clock.now();
    const execution = aborted ?? (await execute(parts, allow, credentials, target, signal));
    if (execution.kind === 'result' && execution.pending) {
      pending.set(allow.call.id, { ...allow, startedAt });
      return { kind: 'done', execution, envelopes: allow.envelopes };
    }
    return settler.settle({ ...allow, startedAt }, execution, signal);
  };

  return {
    authenticate: (credentials) => authenticate(shared, credentials),
    run,
    meetServer: () => directory.meet().catch(() => undefined),
    async settleLater(callId, execution) {
      const allow = pending.get(callId);
      if (!allow) {
        return { denial: refusal('PERMIT_INVALID', 'No call of this id waits for its outcome.') };
      }
      pending.delete(callId);
      const settled = await settler.settle(allow, execution, unhurried);
      return settled.kind === 'done' && settled.envelopes.outcome !== undefined
        ? { outcome: settled.envelopes.outcome, openings: settled.envelopes.openings }
        : {
            denial: settled.kind === 'done' ? refusal('INTERNAL', 'The outcome is missing.') : settled.denial,
          };
    },
    async close() {
      for (const [callId, allow] of pending) {
        pending.delete(callId);
        await settler.settle(allow, unfinished, AbortSignal.abort());
      }
      await settler.settleWhatIsOwed();
    },
  };
}

/** Whoever settles later waits as long as it takes. */
const unhurried = new AbortController().signal;

const unfinished: Execution = {
  kind: 'none',
  outcome: 'unknown',
  code: 'GATE_DIED',
  message: 'The gate closed before the tool reported its end.',
};

/** Dispatches under the lease; what the credentials allow is looked at once more, as they may have been revoked. */
async function execute(
  { authenticator, clock }: SharedGateParts,
  { permit }: RecordedAllow,
  credentials: Credentials,
  target: Target,
  signal: AbortSignal,
): Promise<Execution> {
  const lease = new AbortController();
  const end = (reason: unknown) => lease.abort(reason);
  const callerGone = () => end(signal.reason);
  if (signal.aborted) callerGone();
  signal.addEventListener('abort', callerGone, { once: true });
  const timer = setTimeout(
    () => end(new CountersignError('LEASE_ENDED', 'The lease of this call has ended.')),
    Math.min(Math.max(0, permit.leaseEnds - clock.now()), longestTimer),
  );
  try {
    return (
      (await refusedMeanwhile(authenticator, credentials, clock.now())) ??
      (await target.execute(permit, lease.signal))
    );
  } catch {
    return failedTarget;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', callerGone);
  }
}

/** A target does not throw. One that does has not said whether the call ran. */
const failedTarget: Execution = {
  kind: 'none',
  outcome: 'unknown',
  code: 'UPSTREAM_INVALID',
  message: 'The target failed without an answer; the call may have run.',
};

/** What the call comes to when its credentials ended between verdict and dispatch. */
async function refusedMeanwhile(
  authenticator: Authenticator,
  credentials: Credentials,
  now: number,
): Promise<Execution | undefined> {
  try {
    await authenticator.authenticate(credentials, now);
    return undefined;
  } catch (error) {
    const { message } = toCountersignError(error, 'INTERNAL', 'The credentials could not be checked again.');
    return { kind: 'none', outcome: 'aborted', code: 'LEASE_ENDED', message };
  }
}

/** `setTimeout` wraps beyond this, and would fire at once. */
const longestTimer = 0x7fffffff;

/** Conditions that may pass by themselves. */
const passing = new Set<ReasonCode>([
  'LEDGER_LOCKED',
  'LEDGER_CONFLICT',
  'LEDGER_UNAVAILABLE',
  'GATE_CLOSED',
  'CLOCK_BEHIND',
]);

export function denialOf(error: unknown): Denial {
  const { code, message } = toCountersignError(
    error,
    'INTERNAL',
    'The gate failed while it handled this call.',
  );
  return refusal(code, message);
}

function refusal(code: Denial['code'], message: string): Denial {
  return { code, message, retryable: passing.has(code) };
}
