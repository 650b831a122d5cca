import type { Call } from '../call/call.ts';
import type { Credentials, Principal } from '../identity/principal.ts';
import { delegationLimits, type Delegations } from './delegation.ts';
import { denialOf, denialOfExecution } from './denials.ts';
import type { Delegated, DelegationTerms, ToolDirectory } from './gate.ts';
import type { SharedGateParts } from './parts.ts';
import type { RecordedDelegation, Recorder } from './record.ts';
import type { Refusals } from './refusals.ts';
import type { Settler } from './settle.ts';
import { showVerdict } from './witnessing.ts';

/** The demanded witnesses have to have seen the verdict by then, as with a call that the gate dispatches. */
const shownWithinMs = 5_000;

export interface DelegateParts {
  readonly parts: SharedGateParts;
  readonly recorder: Recorder;
  readonly settler: Settler;
  readonly refusals: Refusals;
  readonly delegations: Delegations;
  readonly authenticate: (credentials: Credentials) => Promise<Principal>;
  /** What became of credentials that were good before: why the call must not go out now. */
  readonly stillGood: (allow: RecordedDelegation, credentials: Credentials) => Promise<Withheld | undefined>;
}

type Withheld = Parameters<typeof denialOfExecution>[0];

/**
 * The same path as a call that the gate dispatches, up to where it would be: authenticate, decide, record. Then the caller gets
 * the handle by which it will say what came of it.
 */
export async function delegate(
  shared: DelegateParts,
  directory: ToolDirectory,
  call: Call,
  credentials: Credentials,
  terms: DelegationTerms,
  signal: AbortSignal,
): Promise<Delegated> {
  const { recorder, settler, refusals, delegations } = shared;
  let reserved: string | undefined;
  try {
    await settler.settleWhatIsOwed();
    const principal = await shared.authenticate(credentials);
    delegations.reserve(principal.apiKeyId);
    reserved = principal.apiKeyId;
    const within = grantedTime(shared.parts, terms);
    const recorded = await recorder.recordDelegated(call, principal, directory, within);
    if (recorded.verdict === 'DENY') {
      delegations.release(reserved);
      return { kind: 'denied', denial: recorded.denial, envelopes: recorded.envelopes };
    }
    return await giveOut(shared, recorded, reserved, credentials, signal);
  } catch (error) {
    if (reserved !== undefined) delegations.release(reserved);
    const denial = denialOf(error);
    if (denial.code === 'DENIALS_OVER_QUOTA') refusals.count(denial.code);
    return { kind: 'denied', denial };
  }
}

/** Shows the ALLOW to the witnesses that its rule demands, looks at the credentials once more, and opens the call. Never throws. */
async function giveOut(
  { parts, settler, delegations, stillGood }: DelegateParts,
  recorded: RecordedDelegation,
  apiKeyId: string,
  credentials: Credentials,
  signal: AbortSignal,
): Promise<Delegated> {
  const { clock } = parts;
  const until = {
    monotonic: clock.monotonic() + shownWithinMs,
    wall: Math.min(clock.now() + shownWithinMs, recorded.settleBy),
  };
  const { allow, aborted } = await showVerdict(parts, recorded, until, signal);
  const withheld = aborted?.kind === 'none' ? aborted : await stillGood(allow, credentials);
  if (withheld === undefined) {
    const permit = delegations.open(allow, credentials);
    return { kind: 'delegated', permit, envelopes: allow.envelopes };
  }
  delegations.release(apiKeyId);
  // Nobody was told the handle, so nothing ran, and the gate itself can say so.
  const { envelopes } = await settler.settle(allow, withheld, signal);
  return { kind: 'denied', denial: denialOfExecution(withheld), envelopes };
}

function grantedTime(
  { delegation: { settleWithin, settleWithinMost } = delegationLimits }: SharedGateParts,
  { settleWithin: asked = settleWithin }: DelegationTerms,
): number {
  return Math.max(1, Math.min(asked, settleWithinMost));
}
