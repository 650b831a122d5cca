import { isRevocationCode } from '../call/revocation-code.ts';
import { hex, sha256 } from '../call/sha256.ts';
import { CountersignError } from '../errors.ts';
import type { Credentials } from '../identity/principal.ts';
import type { ReasonCode } from '../names.ts';
import type { Execution } from '../targets/target.ts';
import type { DelegatedPermit } from './gate.ts';
import { bindingOf, newHandle, type Bound } from './handle.ts';
import type { Clock, DelegationLimits } from './parts.ts';
import type { RecordedDelegation } from './record.ts';
import type { Reported } from './reported.ts';
import type { Ending, Settled, Settler } from './settle.ts';
import { toolOf, type Watches } from './watches.ts';

/** Calls that were allowed and that their callers carry out: each is open until it is settled, once. */
export interface Delegations {
  /**
   * Keeps a place for one more open call of this key, before its ALLOW is recorded: throws TOO_MANY_OPEN. Whoever reserves
   * gives the place back: by `open`, or by `release`.
   */
  reserve(apiKeyId: string): void;
  release(apiKeyId: string): void;
  /**
   * Opens the call of an ALLOW that is on record, in the place that was kept for it. It is settled as unknown at once when who asked
   * for it may nothing any more: what its caller still says counts no more.
   */
  open(allow: RecordedDelegation, credentials: Pick<Credentials, 'apiKey'>): DelegatedPermit;
  /**
   * Settles an open call by what its caller says. Rejects, with nothing settled, with NOT_FOUND for a call that is not one of
   * these, HANDLE_FOREIGN under another API key, HANDLE_INVALID for another handle, HANDLE_USED after a report and
   * HANDLE_EXPIRED after `settleBy`, or after it was revoked.
   */
  report(callId: string, handle: string, apiKeyId: string, said: Reported): Promise<Settled<Reported>>;
  /** Resolves once no call is open here. */
  idle(): Promise<void>;
  /** Settles what is open as unknown. */
  close(): Promise<void>;
}

export interface DelegationsOptions {
  readonly clock: Clock;
  readonly settler: Settler;
  readonly watches: Watches;
  readonly limits: DelegationLimits | undefined;
}

/** A call whose end is remembered for a while, so that who comes too late is told so. */
interface Ended {
  readonly bound: Bound;
  /** What the handle has to come to. */
  readonly binding: string;
  readonly how: 'open' | 'reported' | 'expired' | 'revoked';
}

interface Open extends Ended {
  readonly allow: RecordedDelegation;
  readonly startedAt: number;
  readonly timer: ReturnType<typeof setTimeout>;
  unwatch: () => void;
}

const maxEnded = 4_096;

export const delegationLimits: DelegationLimits = {
  settleWithin: 60_000,
  settleWithinMost: 600_000,
  maxOpenPerKey: 4_096,
};

export function createDelegations({ clock, settler, watches, limits }: DelegationsOptions): Delegations {
  const { maxOpenPerKey } = limits ?? delegationLimits;
  const open = new Map<string, Open>();
  const ended = new Map<string, Ended>();
  const places = new Map<string, number>();
  const settling = new Set<Promise<unknown>>();
  const waiting: (() => void)[] = [];

  const release = (apiKeyId: string): void => {
    const left = (places.get(apiKeyId) ?? 1) - 1;
    if (left > 0) places.set(apiKeyId, left);
    else places.delete(apiKeyId);
  };

  /** From here on nobody else settles it: synchronous, so that of two who come at once one comes first. */
  const take = (call: Open, how: Ended['how']): void => {
    const { bound, binding, timer, unwatch } = call;
    clearTimeout(timer);
    unwatch();
    open.delete(bound.callId);
    const [oldest] = ended.keys();
    if (ended.size >= maxEnded && oldest !== undefined) ended.delete(oldest);
    ended.set(bound.callId, { bound, binding, how });
    release(bound.apiKeyId);
  };

  const settle = async <E extends Ending>({ allow, startedAt }: Open, ending: E): Promise<Settled<E>> => {
    // What cannot be logged is owed by the settler, which shuts the gate until it is.
    const settled = settler.settle({ ...allow, startedAt }, ending, unhurried);
    settling.add(settled);
    try {
      return await settled;
    } finally {
      settling.delete(settled);
      if (open.size === 0 && settling.size === 0) for (const resolve of waiting.splice(0)) resolve();
    }
  };

  const expire = async (
    call: Open,
    ending: Execution,
    how: 'expired' | 'revoked' = 'expired',
  ): Promise<void> => {
    take(call, how);
    await settle(call, ending);
  };

  return {
    reserve(apiKeyId) {
      const taken = places.get(apiKeyId) ?? 0;
      if (taken >= maxOpenPerKey) {
        throw new CountersignError(
          'TOO_MANY_OPEN',
          `This API key has ${taken} calls open whose outcomes it has not reported: report some first.`,
        );
      }
      places.set(apiKeyId, taken + 1);
    },
    release,
    open(allow, { apiKey }) {
      const { call, principal, settleBy } = allow;
      const { apiKeyId } = principal;
      const handle = newHandle();
      const bound = { apiKeyId, callId: call.id, paramsSha256: hex(sha256(call.params)), settleBy };
      const startedAt = clock.now();
      const opened: Open = {
        allow,
        bound,
        binding: bindingOf(handle, bound),
        how: 'open',
        startedAt,
        timer: setTimeout(() => void expire(opened, unreported), Math.max(0, settleBy - startedAt)),
        unwatch: () => undefined,
      };
      open.set(call.id, opened);
      const unwatch = watches.add({ principal, apiKey, tool: toolOf(call) }, (why) => {
        // The time of a call ends with its credentials: then it waits no longer either.
        void expire(opened, endedBy(why), isRevocationCode(why.code) ? 'revoked' : 'expired');
      });
      opened.unwatch = unwatch;
      return { handle, settleBy };
    },
    async report(callId, handle, apiKeyId, said) {
      const call = open.get(callId);
      requireHolder(call ?? ended.get(callId), handle, apiKeyId);
      if (!call) throw refused('NOT_FOUND');
      if (clock.now() > call.bound.settleBy) {
        await expire(call, unreported);
        throw refused('HANDLE_EXPIRED');
      }
      take(call, 'reported');
      return settle(call, said);
    },
    idle() {
      if (open.size === 0 && settling.size === 0) return Promise.resolve();
      return new Promise((resolve) => waiting.push(resolve));
    },
    async close() {
      for (const call of [...open.values()]) void expire(call, gateClosed);
      await Promise.allSettled([...settling]);
    },
  };
}

/** Whether this is the one who was given the handle, and the call still waits: throws the reason when not. */
function requireHolder(call: Ended | undefined, handle: string, apiKeyId: string): void {
  if (!call) throw refused('NOT_FOUND');
  if (call.bound.apiKeyId !== apiKeyId) throw refused('HANDLE_FOREIGN');
  if (bindingOf(handle, call.bound) !== call.binding) throw refused('HANDLE_INVALID');
  if (call.how === 'reported') throw refused('HANDLE_USED');
  if (call.how === 'expired') throw refused('HANDLE_EXPIRED');
  if (call.how === 'revoked') throw new CountersignError('HANDLE_EXPIRED', revoked);
}

const refusals = {
  NOT_FOUND: 'No call of this id waits here for its caller to say what came of it.',
  HANDLE_FOREIGN: 'The call was allowed to another API key.',
  HANDLE_INVALID: 'This is not the handle that was given out for this call.',
  HANDLE_USED: 'The outcome of this call was reported before, and is settled.',
  HANDLE_EXPIRED: 'The time to report this call is over: its outcome is settled as unknown.',
} as const satisfies Partial<Record<ReasonCode, string>>;

const revoked = 'The call was stopped by a revocation: its outcome is settled as unknown.';

function refused(code: keyof typeof refusals): CountersignError {
  return new CountersignError(code, refusals[code]);
}

/** A report waits for its witnesses as long as they take. */
const unhurried = new AbortController().signal;

function endedBy({ code, message }: CountersignError): Execution {
  if (!isRevocationCode(code)) return unreported;
  const told = `${message} The caller had not said what became of the call: it may have run.`;
  return { kind: 'none', outcome: 'unknown', code, message: told };
}

const unreported: Execution = {
  kind: 'none',
  outcome: 'unknown',
  code: 'OUTCOME_UNREPORTED',
  message: 'The caller did not say in time what became of the call: it may have run.',
};

const gateClosed: Execution = {
  kind: 'none',
  outcome: 'unknown',
  code: 'OUTCOME_UNREPORTED',
  message: 'The gate closed before the caller said what became of the call: it may have run.',
};
