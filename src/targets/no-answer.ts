import type { Permit } from '../call/permit.ts';
import { redeemPermit } from '../call/permit.ts';
import { isRevocationCode, type RevocationCode } from '../call/revocation-code.ts';
import { CountersignError, systemCode } from '../errors.ts';
import type { Execution } from './target.ts';

/** Executions without an answer, and the one check that stands before anything is sent: alike for every target. */

type None = Extract<Execution, { kind: 'none' }>;

export function none(outcome: None['outcome'], code: None['code'], message: string): None {
  return { kind: 'none', outcome, code, message };
}

/** Uses the permit up. What the call ends with instead of being sent; undefined when it may be sent now. */
export function redeemForNow(permit: Permit, signal: AbortSignal): None | undefined {
  return redeemPermit(permit) ? whyNotNow(permit, signal) : notGenuine;
}

/** For a permit that was redeemed: whether time or the caller is against it by now. */
export function whyNotNow({ dispatchBefore }: Permit, signal: AbortSignal): None | undefined {
  if (signal.aborted) return stopped(signal.reason, 'aborted', 'before it was sent; nothing ran.');
  if (performance.now() > dispatchBefore.monotonic || Date.now() > dispatchBefore.wall)
    return none(
      'aborted',
      'PERMIT_EXPIRED',
      'The permit expired before the call could be sent; nothing ran.',
    );
  return undefined;
}

/** @param reason Why the call's signal was aborted. */
export function stopped(reason: unknown, outcome: 'aborted' | 'unknown', when: string): None {
  const code = leaseEndOf(reason);
  if (code === undefined) return none(outcome, 'CALLER_CANCELLED', `The call was cancelled ${when}`);
  return code === 'LEASE_ENDED'
    ? none(outcome, code, `The lease ended ${when}`)
    : none(outcome, code, `The call was stopped by a revocation ${when}`);
}

/** Why the gate ended the call's lease; undefined where it is the caller who ended the call. */
export function leaseEndOf(reason: unknown): 'LEASE_ENDED' | RevocationCode | undefined {
  if (!(reason instanceof CountersignError)) return undefined;
  const { code } = reason;
  return code === 'LEASE_ENDED' || isRevocationCode(code) ? code : undefined;
}

/** Failures of name lookup and of connecting: no byte of the request has left. */
const beforeConnected: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
]);

/** Whether what `fetch` threw proves that nothing was sent. A runtime that does not say why proves nothing. */
export function wasNeverReached(error: unknown): boolean {
  return error instanceof Error && beforeConnected.has(systemCode(error.cause));
}

const notGenuine = none(
  'aborted',
  'PERMIT_EXPIRED',
  'The permit is not genuine or was used before; nothing ran.',
);
