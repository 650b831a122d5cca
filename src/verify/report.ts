import { hex } from '../call/sha256.ts';
import type { ApprovalFacts, GrantFacts } from './approval-facts.ts';
import type { VerifyCode } from './codes.ts';
import type { Binding } from './calls.ts';
import type { Assurance, Cosigned } from './cosignatures.ts';
import type { Verified } from './envelope.ts';
import type { StatedGrant } from './predicates.ts';

/** One envelope, for people and machines. Only what was verified; absent where the statement does not say. */
export interface EnvelopeReport {
  /** `allow`, `deny`, `outcome`, …; `foreign` for a predicate type that is not ours. */
  readonly kind: string;
  readonly predicateType: string;
  /** Who signed: the gate's SPIFFE URI, and the name of who certified it. */
  readonly signer: { readonly identity: string; readonly issuer: string };
  readonly callId?: string;
  readonly agent?: string;
  readonly human?: string;
  /** The grants that the agent acted under, the root first. */
  readonly grants?: readonly StatedGrant[];
  /** Policy changed the arguments that the call was asked with: what the statement is about is what ran. */
  readonly argumentsChanged?: true;
  /** Who approved exactly this call. */
  readonly approvals?: readonly ApprovalReport[];
  /** `server/name`. */
  readonly tool?: string;
  readonly verdict?: 'ALLOW' | 'DENY';
  readonly outcome?: string;
  /** Of an outcome, who saw it: `caller` is the word of who carried the call out, which nobody else saw. */
  readonly observedBy?: 'gate' | 'caller';
  /** Of a call that its caller carries out: when it had to have told the gate what came of it. RFC 3339. */
  readonly settleBy?: string;
  readonly rule?: string;
  readonly reason?: string;
  readonly message?: string;
  /** Whether gate and agent share a user: how much an absent envelope means. */
  readonly mode?: string;
  /** When the signature was stamped, and by whom: RFC 3339. */
  readonly stamped: { readonly time: string; readonly authority: string };
  readonly log: {
    readonly origin: string;
    readonly index: number;
    readonly treeSize: number;
    /** Hex. */
    readonly rootHash: string;
    /** Who of the witnesses that were named cosigned that head, and since when: RFC 3339. Absent when nobody did. */
    readonly cosigned?: {
      readonly witnesses: number;
      readonly names: readonly string[];
      readonly since: string;
    };
  };
  /** Hex SHA-256 of the signed bytes. */
  readonly sha256: string;
}

export interface ApprovalReport {
  readonly id: string;
  readonly rule: string;
  /** Hex SHA-256 of the document that was approved. */
  readonly request: string;
  readonly grants: readonly {
    /** `operator`: whoever ran a command on the home. */
    readonly by: GrantFacts['by'];
    readonly as: string;
    readonly method: GrantFacts['method'];
    /** RFC 3339. */
    readonly at: string;
  }[];
}

export interface ReportedFailure {
  /** Which part of the input. */
  readonly part: 'input' | 'verdict' | 'outcome' | 'envelope' | 'call';
  readonly code: VerifyCode;
  readonly field: string;
  readonly message: string;
}

/** One call, or one envelope that is of no call. */
export interface CallReport {
  /** Names of the inputs that it came from. */
  readonly from: readonly string[];
  readonly ok: boolean;
  readonly failures: readonly ReportedFailure[];
  readonly envelopes: readonly EnvelopeReport[];
  readonly binding: Binding;
}

export interface Report {
  readonly ok: boolean;
  /** Hex SHA-256 of the trust root's canonical JSON. */
  readonly trustRoot: string;
  /** The weakest of all envelopes' that were verified. */
  readonly assurance: Assurance;
  /** Hex SHA-256 of the declaration of compromised keys that was applied, as canonical JSON; absent when none was given. */
  readonly compromised?: string;
  readonly calls: readonly CallReport[];
  /** What shows only between calls: a log with two trees. */
  readonly failures: readonly ReportedFailure[];
}

export function reportEnvelope(verified: Verified): EnvelopeReport {
  const { statement, facts, signer, stamp, place } = verified;
  const common = {
    kind: statement.kind ?? 'foreign',
    predicateType: statement.predicateType,
    signer: { identity: signer.identity, issuer: signer.issuerUrl },
    stamped: { time: new Date(stamp.time).toISOString(), authority: stamp.authority },
    log: {
      origin: place.log.origin,
      index: place.index,
      treeSize: place.treeSize,
      rootHash: hex(place.rootHash),
      ...(place.cosigned && { cosigned: reportCosigned(place.cosigned) }),
    },
    sha256: verified.sha256,
  };
  if (facts === undefined) return common;
  const { code, rule, message } = facts.reason;
  const said = {
    ...common,
    callId: facts.callId,
    ...(rule !== undefined && { rule }),
    ...(code !== undefined && { reason: code }),
    ...(message !== undefined && { message }),
    ...(facts.mode !== undefined && { mode: facts.mode }),
  };
  if (facts.kind === 'outcome') {
    const { outcome, observedBy } = facts;
    return { ...said, outcome, ...(observedBy !== undefined && { observedBy }) };
  }
  const { server, name } = facts.tool;
  return {
    ...said,
    verdict: facts.verdict,
    ...(facts.settleBy !== undefined && { settleBy: new Date(facts.settleBy).toISOString() }),
    ...(facts.agent !== undefined && { agent: facts.agent }),
    ...(facts.human !== undefined && { human: facts.human }),
    ...(facts.asked !== undefined && { argumentsChanged: true }),
    ...(facts.grants !== undefined && { grants: facts.grants }),
    ...(facts.approvals &&
      facts.approvals.given.length > 0 && { approvals: facts.approvals.given.map(reportApproval) }),
    ...(name !== undefined && { tool: server === undefined ? name : `${server}/${name}` }),
  };
}

function reportApproval({ id, rule, request, grants }: ApprovalFacts): ApprovalReport {
  return {
    id,
    rule,
    request: request.sha256,
    grants: grants.map(({ by, as, method, at }) => ({ by, as, method, at: new Date(at).toISOString() })),
  };
}

function reportCosigned({ count, names, since }: Cosigned) {
  return { witnesses: count, names, since: new Date(since).toISOString() };
}
