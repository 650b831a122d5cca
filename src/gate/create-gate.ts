import { CountersignError, toCountersignError } from '../errors.ts';
import {
  assertAdmitted,
  type Authenticator,
  type Credentials,
  type Principal,
} from '../identity/principal.ts';
import type { Execution, Target } from '../targets/target.ts';
import { delegate } from './delegate.ts';
import { createDelegations, type Delegations } from './delegation.ts';
import { denialOf, refusal } from './denials.ts';
import type { CallResult, Gate, Gates, ToolDirectory } from './gate.ts';
import type { GateParts, SharedGateParts } from './parts.ts';
import { createRefusals, type Refusals } from './refusals.ts';
import { createRecorder, type RecordedAllow, type Recorder } from './record.ts';
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
  const settler = createSettler(parts);
  const shared: Shared = {
    parts,
    recorder: createRecorder(parts, sessions),
    settler,
    refusals: createRefusals(parts),
    delegations: createDelegations({ clock: parts.clock, settler, limits: parts.delegation }),
  };
  return {
    authenticate: (credentials, purpose) => authenticate(shared, credentials, purpose),
    report: reporter(shared),
    under: (directory) => gateUnder(shared, directory),
    reported: () => shared.delegations.idle(),
    async close() {
      await shared.delegations.close();
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
  readonly delegations: Delegations;
}

function reporter(shared: Shared): Gate['report'] {
  return async (callId, handle, credentials, said) => {
    const { apiKeyId } = await authenticate(shared, credentials);
    return shared.delegations.report(callId, handle, apiKeyId, said);
  };
}

async function authenticate(
  { parts, refusals }: Shared,
  credentials: Credentials,
  purpose?: 'call',
): Promise<Principal> {
  try {
    const principal = await parts.authenticator.authenticate(credentials, parts.clock.now());
    return purpose === 'call' ? principal : assertAdmitted(principal);
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
    let recorded: Awaited<ReturnType<Recorder['record']>>;
    try {
      await settler.settleWhatIsOwed();
      const principal = await authenticate(shared, credentials, 'call');
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
    const { dispatchBefore, leaseEnds } = recorded.permit;
    const until = { ...dispatchBefore, wall: Math.min(dispatchBefore.wall, leaseEnds) };
    const { allow, aborted } = await showVerdict(parts, recorded, until, signal);
    const startedAt = parts.clock.now();
    const execution = aborted ?? (await execute(parts, allow, credentials, target, signal));
    if (execution.kind === 'result' && execution.pending) {
      pending.set(allow.call.id, { ...allow, startedAt });
      return { kind: 'done', execution, envelopes: allow.envelopes };
    }
    return settler.settle({ ...allow, startedAt }, execution, signal);
  };

  return {
    authenticate: (credentials, purpose) => authenticate(shared, credentials, purpose),
    run,
    delegate: (call, credentials, terms = {}, signal = unhurried) =>
      delegate(
        {
          ...shared,
          authenticate: (given) => authenticate(shared, given, 'call'),
          stillGood: (given) => refusedMeanwhile(parts.authenticator, given, parts.clock.now()),
        },
        directory,
        call,
        credentials,
        terms,
        signal,
      ),
    report: reporter(shared),
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

type NoAnswer = Extract<Execution, { kind: 'none' }>;

/** What the call comes to when its credentials ended between verdict and dispatch. */
async function refusedMeanwhile(
  authenticator: Authenticator,
  credentials: Credentials,
  now: number,
): Promise<NoAnswer | undefined> {
  try {
    assertAdmitted(await authenticator.authenticate(credentials, now));
    return undefined;
  } catch (error) {
    const { message } = toCountersignError(error, 'INTERNAL', 'The credentials could not be checked again.');
    return { kind: 'none', outcome: 'aborted', code: 'LEASE_ENDED', message };
  }
}

/** `setTimeout` wraps beyond this, and would fire at once. */
const longestTimer = 0x7fffffff;
