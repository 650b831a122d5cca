import { isRevocationCode } from '../call/revocation-code.ts';
import { toCountersignError } from '../errors.ts';
import { assertAdmitted, type Credentials, type Principal } from '../identity/principal.ts';
import { revokedBy, unlessRevoked } from '../identity/revocation/revoked-by.ts';
import type { Execution, Target } from '../targets/target.ts';
import { boundAnnouncement, boundResult } from './bound-result.ts';
import { createCounters } from './counters/counters.ts';
import { delegate } from './delegate.ts';
import { createDelegations, type Delegations } from './delegation.ts';
import { denialOf, refusal } from './denials.ts';
import { createFlow } from './flow.ts';
import type { CallResult, Gate, Gates, ToolDirectory } from './gate.ts';
import { openLease } from './lease.ts';
import type { GateParts, RecordingParts, SharedGateParts } from './parts.ts';
import { createPendingCalls } from './pending-calls.ts';
import { createRefusals, type Refusals } from './refusals.ts';
import { createRecorder, type AllowOnRecord, type RecordedAllow, type Recorder } from './record.ts';
import { createSessions } from './sessions.ts';
import { createSettler, type Settler } from './settle.ts';
import { createWatches, toolOf, type Watched, type Watches } from './watches.ts';
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
export function createGates(given: SharedGateParts): Gates {
  const parts: RecordingParts = { ...given, flow: createFlow(given), counters: createCounters(given.ledger) };
  const sessions = createSessions(parts);
  const settler = createSettler(parts);
  const watches = createWatches(parts);
  const shared: Shared = {
    parts,
    watches,
    recorder: createRecorder(parts, sessions),
    settler,
    refusals: createRefusals(parts),
    delegations: createDelegations({ clock: parts.clock, settler, watches, limits: parts.delegation }),
  };
  return {
    authenticate: (credentials, purpose) => authenticate(shared, credentials, purpose),
    report: reporter(shared),
    watch: watcher(watches),
    countRefusal: (code) => shared.refusals.count(code),
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
  readonly parts: RecordingParts;
  readonly watches: Watches;
  readonly recorder: Recorder;
  readonly settler: Settler;
  readonly refusals: Refusals;
  readonly delegations: Delegations;
}

function watcher(watches: Watches): Gate['watch'] {
  return (principal, { apiKey }, until) => {
    const over = new AbortController();
    if (until.aborted) return over.signal;
    const unwatch = watches.add({ principal, apiKey }, (why) => over.abort(why));
    until.addEventListener('abort', unwatch, { once: true });
    return over.signal;
  };
}

function reporter(shared: Shared): Gate['report'] {
  return async (callId, handle, credentials, said) => {
    const { apiKeyId } = await authenticate(shared, credentials);
    return shared.delegations.report(callId, handle, apiKeyId, said);
  };
}

/** Who calls. Whether that was taken back, `record` finds, and has compared as it commits. */
async function identify({ parts, refusals }: Shared, credentials: Credentials): Promise<Principal> {
  return counting(refusals, async () => parts.authenticator.authenticate(credentials, parts.clock.now()));
}

/** The same for whoever does not go on to `record`, or does much besides. */
async function authenticate(
  { parts, refusals }: Shared,
  credentials: Credentials,
  purpose?: 'call',
): Promise<Principal> {
  return counting(refusals, async () => {
    const known = await parts.authenticator.authenticate(credentials, parts.clock.now());
    const principal = unlessRevoked(await parts.revocations.latest(freshMs), known);
    return purpose === 'call' ? principal : assertAdmitted(principal);
  });
}

/** Milliseconds that what is known of revocations may be old where nothing is executed: many requests share one look. */
const freshMs = 250;

async function counting(refusals: Refusals, principal: () => Promise<Principal>): Promise<Principal> {
  try {
    return await principal();
  } catch (error) {
    refusals.count(toCountersignError(error, 'INTERNAL', 'The credentials could not be checked.').code);
    throw error;
  }
}

/** The one path that everything that executes goes through. */
function gateUnder(shared: Shared, directory: ToolDirectory): Gate {
  const { parts, recorder, settler, refusals } = shared;
  const pending = createPendingCalls(shared);

  const run: Gate['run'] = async (call, credentials, target, signal) => {
    let recorded: Awaited<ReturnType<Recorder['record']>>;
    try {
      await settler.settleWhatIsOwed();
      const principal = await identify(shared, credentials);
      recorded = await recorder.record(call, principal, directory);
    } catch (error) {
      // Only what fails up to here is a denial: from here on the call may run.
      const denial = denialOf(error);
      if (denial.code === 'DENIALS_OVER_QUOTA') refusals.count(denial.code);
      return { kind: 'denied', denial };
    }
    if (recorded.verdict === 'DENY') {
      const { denial, envelopes, call: decided } = recorded;
      return { kind: 'denied', denial, envelopes, decided };
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
    const answered = aborted ?? (await execute(shared, allow, credentials, target, signal));
    if (answered.kind === 'result' && answered.pending) {
      const until = pending.add({ ...allow, startedAt }, watchedOf(allow, credentials));
      const execution = await boundAnnouncement(answered, allow.obligations);
      return { kind: 'done', execution, envelopes: allow.envelopes, until };
    }
    const { execution, enforcement } = await boundResult(answered, allow.obligations);
    return settler.settle({ ...allow, startedAt, enforcement }, execution, signal);
  };

  return {
    authenticate: (credentials, purpose) => authenticate(shared, credentials, purpose),
    watch: watcher(shared.watches),
    run,
    delegate: (call, credentials, terms = {}, signal = unhurried) =>
      delegate(
        {
          ...shared,
          authenticate: (given) => identify(shared, given),
          stillGood: (allow, given) => refusedMeanwhile(parts, allow, given),
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
      const allow = pending.take(callId);
      if ('denial' in allow) return allow;
      const bound = await boundResult(execution, allow.obligations);
      const { enforcement } = bound;
      const settled = await settler.settle({ ...allow, enforcement }, bound.execution, unhurried);
      return settled.kind === 'done' && settled.envelopes.outcome !== undefined
        ? {
            execution: bound.execution,
            outcome: settled.envelopes.outcome,
            openings: settled.envelopes.openings,
          }
        : {
            denial: settled.kind === 'done' ? refusal('INTERNAL', 'The outcome is missing.') : settled.denial,
          };
    },
    async close() {
      await pending.close();
      await settler.settleWhatIsOwed();
    },
  };
}

/** Whoever settles later waits as long as it takes. */
const unhurried = new AbortController().signal;

function watchedOf({ principal, call }: AllowOnRecord, { apiKey }: Credentials): Watched {
  return { principal, apiKey, tool: toolOf(call) };
}

/** Dispatches under the lease; what the credentials allow is looked at once more, as they may have been revoked. */
async function execute(
  { parts, watches }: Shared,
  allow: RecordedAllow,
  credentials: Credentials,
  target: Target,
  signal: AbortSignal,
): Promise<Execution> {
  const { permit } = allow;
  const watched = watchedOf(allow, credentials);
  const terms = { ends: permit.leaseEnds, watched, caller: signal };
  const lease = openLease({ clock: parts.clock, watches }, terms);
  try {
    return (
      (await refusedMeanwhile(parts, allow, credentials)) ?? (await target.execute(permit, lease.signal))
    );
  } catch {
    return failedTarget;
  } finally {
    lease.close();
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

/** What the call comes to when its credentials ended, or were revoked, between verdict and dispatch. */
async function refusedMeanwhile(
  { authenticator, revocations, clock }: SharedGateParts,
  { call }: AllowOnRecord,
  credentials: Credentials,
): Promise<NoAnswer | undefined> {
  try {
    const principal = assertAdmitted(await authenticator.authenticate(credentials, clock.now()));
    const refusal = revokedBy(await revocations.latest(), principal, toolOf(call));
    return refusal && { kind: 'none', outcome: 'aborted', ...refusal };
  } catch (error) {
    const told = toCountersignError(error, 'INTERNAL', 'The credentials could not be checked again.');
    const code = isRevocationCode(told.code) ? told.code : 'LEASE_ENDED';
    return { kind: 'none', outcome: 'aborted', code, message: told.message };
  }
}
