import type { Call } from '../call/call.ts';
import { mintPermit, type Permit } from '../call/permit.ts';
import { hex } from '../call/sha256.ts';
import { verdict as verdictStatement } from '../envelope/statements.ts';
import { CountersignError } from '../errors.ts';
import type { Principal } from '../identity/principal.ts';
import type { RevocationState } from '../identity/revocation/revocation.ts';
import type { Decision } from '../policy/policy.ts';
import type { InclusionProof } from '../tlog/proof.ts';
import { commitCall, commitInput, commitPrincipal, type CallCommitments } from './commitments.ts';
import { decide } from './decide.ts';
import { createDenialQuota, type DenialQuota } from './denial-quota.ts';
import type { CallEnvelopes, Denial, ToolDirectory } from './gate.ts';
import { envelopeOf, notarise, type Signed } from './notary.ts';
import { witnessesDemanded } from './obligations.ts';
import type { SharedGateParts } from './parts.ts';
import { epochKey } from './revocation-heads.ts';
import type { LinkedDraft, SessionChain, SessionLink } from './session-chain.ts';
import type { Sessions } from './sessions.ts';
import { sideOfCall } from './side-rows.ts';
import type { WitnessDemand } from './witnessing.ts';

/** A call whose ALLOW is durable in the log, whoever carries it out. */
export interface AllowOnRecord {
  readonly verdict: 'ALLOW';
  readonly call: Call;
  readonly principal: Principal;
  readonly session: SessionChain;
  readonly envelopes: CallEnvelopes;
  /** Hex digest of the action document, the subject of both statements. */
  readonly subject: string;
  /** How the outcome names its verdict. */
  readonly reference: VerdictReference;
  /** Who must see the verdict in the log before the call runs; absent when the rule demands nobody. */
  readonly demand?: WitnessDemand;
  /** Wall milliseconds at which execution began. */
  readonly startedAt?: number;
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
  readonly decision: Decision;
  readonly commitments: CallCommitments;
  /** Wall milliseconds: `notAfter` of an ALLOW. */
  readonly leaseEnds: number;
}

export function createRecorder(parts: SharedGateParts, sessions: Sessions): Recorder {
  const denials = createDenialQuota();

  const decideAndAppend = async (
    call: Call,
    principal: Principal,
    directory: ToolDirectory,
    settleWithin?: number,
  ): Promise<OnRecord> => {
    const session = sessions.of(principal);
    for (let attempt = 1; ; attempt += 1) {
      try {
        // Asked outside the session's lane, as a server may take its time to list; the commit compares what was read.
        const known = await directory.standing(call);
        const revocations = await (attempt === 1 ? parts.revocations.current() : parts.revocations.latest());
        const { draft, proof } = await session.append((link) =>
          draftVerdict(parts, denials, { call, principal, known, revocations, link, settleWithin }),
        );
        return onRecord(parts, { call, principal, session }, draft, proof);
      } catch (error) {
        const moved = error instanceof CountersignError && error.code === 'LEDGER_CONFLICT';
        if (!moved || attempt === decideAttempts) throw error;
        directory.refresh();
      }
    }
  };

  return {
    async record(call, principal, directory) {
      const { verdict, leaseEnds, time } = await decideAndAppend(call, principal, directory);
      if (verdict.verdict === 'DENY') return verdict;
      const monotonic = parts.clock.monotonic() + dispatchWithinMs;
      const dispatchBefore = { monotonic, wall: time + dispatchWithinMs };
      return { ...verdict, permit: mintPermit({ call, dispatchBefore, leaseEnds }) };
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
  /** Of a call that its caller carries out, the milliseconds it gets. */
  readonly settleWithin: number | undefined;
}

/** Decides, and drafts the verdict: everything that the decision read is expected to hold at the commit. */
async function draftVerdict(
  parts: SharedGateParts,
  denials: DenialQuota,
  { call, principal, known, revocations, link, settleWithin }: Asked,
): Promise<VerdictDraft> {
  parts.assertAlive();
  const { standing, needsHuman } = known;
  const { policy, mode } = parts;
  const now = parts.clock.now();
  const identity = await parts.identity.current(now);
  const session = { id: link.id, tenant: principal.tenant, mode };
  const witnesses = parts.witnesses?.count ?? 0;
  const context = { policy, session, now, witnesses, revocations, ...(needsHuman && { needsHuman }) };
  const { decision, input } = decide(call, principal, standing, context);
  const allowed = decision.verdict === 'ALLOW';
  if (!allowed) denials.take(principal.apiKeyId, parts.clock.monotonic());
  const leaseEnds = Math.min(
    identity.notAfter - settleMarginMs,
    principal.expiresAt ?? Infinity,
    now + (settleWithin ?? Infinity),
  );
  const commitments = commitCall(
    call,
    standing.kind === 'listed' ? standing.definition.declaredProperties : [],
  );
  const committedInput = commitInput(input);
  const committedPrincipal = commitPrincipal(principal, parts.committed ?? []);
  const statement = verdictStatement({
    call,
    principal,
    standing,
    commitments: { ...commitments, principal: committedPrincipal.commitments },
    input: committedInput.commitment,
    decision,
    policy,
    session: link,
    mode,
    decidedAt: now,
    notAfter: allowed ? leaseEnds : now,
    ...(allowed && settleWithin !== undefined && { settleBy: leaseEnds }),
  });
  const [notarised, side] = await Promise.all([
    notarise(parts, allowed ? 'allow' : 'deny', statement, now),
    sideOfCall(call, [...commitments.kept, committedInput.kept, ...committedPrincipal.kept], policy),
  ]);
  return {
    notarised,
    decision,
    commitments,
    leaseEnds,
    signed: notarised.signed,
    callId: call.id,
    time: now,
    expects: [...known.expects, { key: epochKey, value: revocations.epoch }],
    side,
    ...(allowed ? { permit: { action: 'open', instance: parts.instance, notAfter: leaseEnds } } : {}),
  };
}

type DecidedCall = Pick<AllowOnRecord, 'call' | 'principal' | 'session'>;

function onRecord(
  parts: SharedGateParts,
  of: DecidedCall,
  draft: VerdictDraft,
  proof: InclusionProof,
): OnRecord {
  const { leaseEnds, time } = draft;
  return { verdict: verdictOnRecord(parts, of, draft, proof), leaseEnds, time };
}

function verdictOnRecord(
  parts: SharedGateParts,
  of: DecidedCall,
  { notarised, decision, commitments }: VerdictDraft,
  proof: InclusionProof,
): AllowOnRecord | RecordedDenial {
  const envelopes = { verdict: envelopeOf(parts, notarised, proof), openings: commitments.openings };
  if (decision.verdict === 'DENY') return { verdict: 'DENY', denial: denialFor(decision), envelopes };
  const reference = {
    sha256: hex(notarised.signed.paeSha256),
    logIndex: proof.logIndex,
    treeSize: proof.treeSize,
    rootHash: hex(proof.rootHash),
  };
  const count = witnessesDemanded(decision);
  return {
    verdict: 'ALLOW',
    ...of,
    envelopes,
    subject: commitments.subject,
    reference,
    ...(count > 0 && { demand: { count, signed: notarised, logIndex: proof.logIndex } }),
  };
}

function denialFor({ code, rule, message }: Extract<Decision, { verdict: 'DENY' }>): Denial {
  return { code, message, retryable: false, ...(rule === undefined ? {} : { rule }) };
}
