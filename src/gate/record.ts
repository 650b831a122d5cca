import type { Call } from '../call/call.ts';
import { mintPermit, type Permit } from '../call/permit.ts';
import { base64, hex } from '../call/sha256.ts';
import { verdict as verdictStatement } from '../envelope/statements.ts';
import { CountersignError } from '../errors.ts';
import type { Principal } from '../identity/principal.ts';
import type { RevocationState } from '../identity/revocation/revocation.ts';
import type { Obligation } from '../policy/obligation.ts';
import type { Decision } from '../policy/policy.ts';
import type { InclusionProof } from '../tlog/proof.ts';
import { commitCall, commitInput, commitPrincipal, type CallCommitments } from './commitments.ts';
import type { ApprovalSalt } from './approvals/check.ts';
import type { Taken } from './counters/counters.ts';
import { decideFinally } from './decide-finally.ts';
import { meetDemands, meetGrants, witnessesDemanded } from './demands.ts';
import { createDenialQuota, type DenialQuota } from './denial-quota.ts';
import { passes } from './denials.ts';
import type { CallEnvelopes, Denial, ToolDirectory } from './gate.ts';
import { createHolding, type Holding } from './held.ts';
import { envelopeOf, notarise, type Signed } from './notary.ts';
import type { RecordingParts } from './parts.ts';
import { epochKey } from './revocation-heads.ts';
import type { LinkedDraft, SessionChain, SessionLink } from './session-chain.ts';
import type { Sessions } from './sessions.ts';
import { sideOfCall } from './side-rows.ts';
import type { WitnessDemand } from './witnessing.ts';

/** A call that may run, durably in the log, whoever carries it out: its ALLOW, or the verdict of a policy in shadow. */
export interface AllowOnRecord {
  readonly verdict: 'ALLOW';
  /** With the arguments that policy changed: what was decided is what runs. */
  readonly call: Call;
  readonly principal: Principal;
  readonly session: SessionChain;
  readonly envelopes: CallEnvelopes;
  /** Hex digest of the action document, the subject of both statements. */
  readonly subject: string;
  /** How the outcome names its verdict. */
  readonly reference: VerdictReference;
  /** What the rules demand of it; nothing of a verdict in shadow. */
  readonly obligations: readonly Obligation[];
  /** What it took of counters, given back if it never runs. */
  readonly taken: readonly Taken[];
  /** Who must see the verdict in the log before the call runs; absent when the rule demands nobody. */
  readonly demand?: WitnessDemand;
  /** Wall milliseconds at which execution began. */
  readonly startedAt?: number;
  /** What the rules did to its answer. */
  readonly enforcement?: readonly ('redacted' | 'withheld')[];
}

/** One that a target of ours carries out. */
export interface RecordedAllow extends AllowOnRecord {
  readonly permit: Permit;
}

/** One that its caller carries out: no permit of ours is minted for it. */
export interface RecordedDelegation extends AllowOnRecord {
  /** Wall milliseconds: what the caller says later than this counts no more. */
  readonly settleBy: number;
}

export interface RecordedDenial {
  readonly verdict: 'DENY';
  readonly denial: Denial;
  readonly envelopes: CallEnvelopes;
  /** As it would have run. */
  readonly call: Call;
}

export interface VerdictReference {
  /** Hex SHA-256 of the verdict's pre-authentication encoding. */
  readonly sha256: string;
  readonly logIndex: number;
  readonly treeSize: number;
  /** Hex. */
  readonly rootHash: string;
}

export interface Recorder {
  /** Rejects when the verdict could not be made durable: the call is then denied without an envelope. */
  record(call: Call, principal: Principal, directory: ToolDirectory): Promise<RecordedAllow | RecordedDenial>;
  /** The same for a call that its caller carries out, and has to settle within these milliseconds. */
  recordDelegated(
    call: Call,
    principal: Principal,
    directory: ToolDirectory,
    settleWithin: number,
  ): Promise<RecordedDelegation | RecordedDenial>;
}

/** A permit is dispatched within this time, or not at all. */
const dispatchWithinMs = 5_000;
/** The lease ends this long before the certificate that has to sign the outcome. */
const settleMarginMs = 5_000;
const decideAttempts = 8;

interface VerdictDraft extends LinkedDraft {
  readonly notarised: Signed;
  readonly call: Call;
  readonly decision: Decision;
  readonly taken: readonly Taken[];
  readonly isFinal: boolean;
  readonly commitments: CallCommitments;
  /** Wall milliseconds: `notAfter` of an ALLOW. */
  readonly leaseEnds: number;
}

export function createRecorder(parts: RecordingParts, sessions: Sessions): Recorder {
  const denials = createDenialQuota();

  const decideAndAppend = async (
    call: Call,
    principal: Principal,
    directory: ToolDirectory,
    settleWithin?: number,
  ): Promise<OnRecord> => {
    const session = sessions.of(principal);
    for (let attempt = 1; ; attempt += 1) {
      const holding = createHolding();
      try {
        // Asked outside the session's lane, as a server may take its time to list; the commit compares what was read.
        const known = await directory.standing(call);
        const revocations = await (attempt === 1 ? parts.revocations.current() : parts.revocations.latest());
        const asked = { call, principal, known, revocations, settleWithin };
        const { draft, proof } = await session.append((link) =>
          draftVerdict(parts, denials, { ...asked, link, holding }),
        );
        return onRecord(parts, { principal, session }, draft, proof);
      } catch (error) {
        parts.flow.forget(principal);
        const moved = error instanceof CountersignError && error.code === 'LEDGER_CONFLICT';
        if (!moved || attempt === decideAttempts) throw error;
        directory.refresh();
      } finally {
        holding.release();
      }
    }
  };

  return {
    async record(call, principal, directory) {
      const { verdict, leaseEnds, time } = await decideAndAppend(call, principal, directory);
      if (verdict.verdict === 'DENY') return verdict;
      const monotonic = parts.clock.monotonic() + dispatchWithinMs;
      const dispatchBefore = { monotonic, wall: time + dispatchWithinMs };
      return { ...verdict, permit: mintPermit({ call: verdict.call, dispatchBefore, leaseEnds }) };
    },
    async recordDelegated(call, principal, directory, settleWithin) {
      const { verdict, leaseEnds } = await decideAndAppend(call, principal, directory, settleWithin);
      return verdict.verdict === 'DENY' ? verdict : { ...verdict, settleBy: leaseEnds };
    },
  };
}

/** A verdict in the log, before anybody may act on it. */
interface OnRecord {
  readonly verdict: AllowOnRecord | RecordedDenial;
  readonly leaseEnds: number;
  /** When it was decided. */
  readonly time: number;
}

interface Asked {
  readonly call: Call;
  readonly principal: Principal;
  readonly known: Awaited<ReturnType<ToolDirectory['standing']>>;
  readonly revocations: RevocationState;
  readonly link: SessionLink;
  readonly holding: Holding;
  /** Of a call that its caller carries out, the milliseconds it gets. */
  readonly settleWithin: number | undefined;
}

/** Decides, and drafts the verdict: everything that the decision read is expected to hold at the commit. */
async function draftVerdict(
  parts: RecordingParts,
  denials: DenialQuota,
  { call: asked, principal, known, revocations, link, holding, settleWithin }: Asked,
): Promise<VerdictDraft> {
  parts.assertAlive();
  const { standing, needsHuman } = known;
  const { policy, mode } = parts;
  const now = parts.clock.now();
  const identity = await parts.identity.current(now);
  const session = { id: link.id, tenant: principal.tenant, mode };
  const past = await parts.flow.before(asked, principal, now);
  const context = { policy, session, now, revocations, past: past.roots, ...(needsHuman && { needsHuman }) };
  const { call, decision: found, input } = await decideFinally(asked, principal, standing, context);
  const met = await demandsMet(parts, found, {
    ...{ call, principal, standing, input, now, holding },
    delegated: settleWithin !== undefined,
  });
  const { decision } = met;
  const runs = decision.verdict === 'ALLOW' || decision.enforced === false;
  const obligations = decision.verdict === 'ALLOW' && decision.enforced !== false ? decision.obligations : [];
  if (!runs) denials.take(principal.apiKeyId, parts.clock.monotonic());
  const leaseEnds = Math.min(
    identity.notAfter - settleMarginMs,
    principal.expiresAt ?? Infinity,
    now + Math.min(settleWithin ?? Infinity, timeLimit(obligations)),
  );
  const declared = standing.kind === 'listed' ? standing.definition.declaredProperties : [];
  const commitments = withSalts(
    commitCall(call, declared, call === asked ? undefined : asked),
    met.approvalSalts,
  );
  const committedInput = commitInput(input);
  const committedPrincipal = commitPrincipal(principal, parts.committed ?? []);
  const statement = verdictStatement({
    call,
    principal,
    standing,
    commitments: { ...commitments, principal: committedPrincipal.commitments },
    ...(commitments.asked !== undefined && { asked: commitments.asked }),
    ...(met.approvals && { approvals: met.approvals }),
    input: committedInput.commitment,
    decision,
    policy,
    session: link,
    mode,
    decidedAt: now,
    notAfter: runs ? leaseEnds : now,
    ...(runs && settleWithin !== undefined && { settleBy: leaseEnds }),
  });
  const [notarised, side] = await Promise.all([
    notarise(parts, kindOf(decision), statement, now),
    sideOfCall(call, [...commitments.kept, committedInput.kept, ...committedPrincipal.kept], policy),
  ]);
  return {
    notarised,
    call,
    decision,
    taken: met.taken,
    isFinal: met.isFinal === true,
    commitments,
    leaseEnds,
    signed: notarised.signed,
    callId: call.id,
    time: now,
    expects: [...known.expects, { key: epochKey, value: revocations.epoch }, ...past.expects, ...met.expects],
    sets: [...met.sets, ...(runs ? past.run() : [])],
    side,
    ...(runs ? { permit: { action: 'open', instance: parts.instance, notAfter: leaseEnds } } : {}),
  };
}

/** What a decision comes to once its demands were looked at. Of a policy in shadow nothing is enforced: neither a denial nor a demand.
 * What a grant leaves is not policy's, and holds all the same. */
async function demandsMet(
  { ledger, counters, witnesses, notices, policy }: RecordingParts,
  decision: Decision,
  of: Omit<Parameters<typeof meetDemands>[1], 'decision' | 'policyDigest'> & { readonly holding: Holding },
): ReturnType<typeof meetDemands> {
  if (decision.enforced === false) return meetGrants({ counters }, { ...of, decision }, of.holding);
  if (decision.verdict === 'DENY') return { decision, taken: [], expects: [], sets: [] };
  const parts = {
    ledger,
    counters,
    witnesses: witnesses?.count ?? 0,
    notified: notices?.names ?? nobody,
  };
  return meetDemands(parts, { ...of, decision, policyDigest: policy.digest }, of.holding);
}

const nobody: ReadonlySet<string> = new Set();

function kindOf({ verdict, enforced }: Decision): 'allow' | 'deny' | 'shadow' {
  if (enforced === false) return 'shadow';
  return verdict === 'ALLOW' ? 'allow' : 'deny';
}

/** Milliseconds that the rules give the call. */
function timeLimit(obligations: readonly Obligation[]): number {
  return Math.min(...obligations.map((one) => (one.type === 'limit' ? (one.time ?? Infinity) : Infinity)));
}

/** The same with what opens the documents that were approved: the salt alone, as the call itself is the rest. */
function withSalts(
  commitments: CallCommitments,
  salts: readonly ApprovalSalt[] | undefined,
): CallCommitments {
  if (salts === undefined) return commitments;
  const approvals = Object.fromEntries(salts.map(({ id, salt }) => [id, base64(salt)]));
  const kept = salts.map(({ id, salt }) => ({ ...saltOfAction, name: `approval/${id}`, salt }));
  return {
    ...commitments,
    openings: { ...commitments.openings, approvals },
    kept: [...commitments.kept, ...kept],
  };
}

const saltOfAction = { field: 'action', value: new Uint8Array() } as const;

type DecidedFor = Pick<AllowOnRecord, 'principal' | 'session'>;

function onRecord(
  parts: RecordingParts,
  of: DecidedFor,
  draft: VerdictDraft,
  proof: InclusionProof,
): OnRecord {
  const { leaseEnds, time } = draft;
  return { verdict: verdictOnRecord(parts, of, draft, proof), leaseEnds, time };
}

function verdictOnRecord(
  parts: RecordingParts,
  of: DecidedFor,
  { notarised, call, decision, taken, isFinal, commitments }: VerdictDraft,
  proof: InclusionProof,
): AllowOnRecord | RecordedDenial {
  const envelopes = { verdict: envelopeOf(parts, notarised, proof), openings: commitments.openings };
  const inShadow = decision.enforced === false;
  if (decision.verdict === 'DENY' && !inShadow)
    return { verdict: 'DENY', denial: denialFor(decision, isFinal), envelopes, call };
  const reference = {
    sha256: hex(notarised.signed.paeSha256),
    logIndex: proof.logIndex,
    treeSize: proof.treeSize,
    rootHash: hex(proof.rootHash),
  };
  const count = inShadow ? 0 : witnessesDemanded(decision);
  return {
    verdict: 'ALLOW',
    ...of,
    call,
    obligations: decision.verdict === 'ALLOW' && !inShadow ? decision.obligations : [],
    taken,
    envelopes,
    subject: commitments.subject,
    reference,
    ...(count > 0 && { demand: { count, signed: notarised, logIndex: proof.logIndex } }),
  };
}

function denialFor(
  { code, rule, message }: Extract<Decision, { verdict: 'DENY' }>,
  isFinal: boolean,
): Denial {
  const retryable = passes(code) && !isFinal;
  return { code, message, retryable, ...(rule === undefined ? {} : { rule }) };
}
