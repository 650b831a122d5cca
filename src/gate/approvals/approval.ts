import type { Json } from '../../call/json.ts';
import type { ApprovalObligation } from '../../policy/obligation.ts';

/** What a rule demands of an approval. */
export type ApprovalTerms = Omit<ApprovalObligation, 'type'>;

/** A person as their issuer names them: who is the same here is the same person. */
export interface Person {
  readonly issuer: string;
  readonly subject: string;
}

/** Who answers: `operator` is whoever runs commands on the home, which proves nobody in particular. */
export type AnsweredBy = 'operator' | Person;

/** How an answer was given: at the home's terminal, with a person's token, or signed by a person's own key. */
export type AnswerMethod = 'terminal' | 'token' | 'passkey';

/**
 * What a person's authenticator signed (WebAuthn §6.3.3). The challenge is the SHA-256 of the request document; all but
 * `rpId` is base64. `publicKey` is a SubjectPublicKeyInfo on P-256.
 */
export interface PasskeyAssertion {
  readonly credentialId: string;
  readonly publicKey: string;
  readonly rpId: string;
  readonly authenticatorData: string;
  readonly clientDataJson: string;
  /** DER, as authenticators give it. */
  readonly signature: string;
}

/** One person's, or the operator's, yes to a request. */
export interface ApprovalGrant {
  readonly by: AnsweredBy;
  /** Which of those that the rule names they are: `operator`, `role:…`, `group:…`, `subject:…`. */
  readonly as: string;
  readonly method: AnswerMethod;
  /** Wall milliseconds. */
  readonly at: number;
  /** Hex SHA-256 of the pre-authentication encoding of the statement that says so. */
  readonly statement: string;
  /** Of `passkey`. */
  readonly assertion?: PasskeyAssertion;
}

/** A no, which ends the request. */
export type ApprovalRefusal = Pick<ApprovalGrant, 'by' | 'method' | 'at' | 'statement'>;

/** What is approved, and by whom, except the arguments: the digest stands for those. Times are wall milliseconds. */
export interface ApprovalRequest {
  /** 16 characters of base32 in lower case. */
  readonly id: string;
  /** The call that was denied because nobody had approved it yet. */
  readonly callId: string;
  readonly tenant: string;
  readonly agent: { readonly id: string; readonly issuer: string };
  /** For whom the agent asks; absent where it asks for nobody. */
  readonly human?: Person;
  readonly server: { readonly name: string; readonly digest: string };
  readonly tool: string;
  /** Hex SHA-256 of the tool's definition; absent of what is no tool. */
  readonly definition?: string;
  /** Hex digest of the policy. */
  readonly policy: string;
  readonly terms: ApprovalTerms;
  readonly requestedAt: number;
  readonly expiresAt: number;
  readonly document: {
    /** Hex SHA-256 of the request document. */
    readonly sha256: string;
    /** Base64 of 16 bytes. */
    readonly salt: string;
    /** Whether the document has members of `params` beside the arguments. */
    readonly covers: 'arguments' | 'params';
  };
}

/** A request that waits, is approved, or is refused: until it is used or expires. */
export interface PendingApproval extends ApprovalRequest {
  /** Each by somebody else. */
  readonly grants: readonly ApprovalGrant[];
  readonly refusal?: ApprovalRefusal;
}

export type ApprovalState = 'pending' | 'approved' | 'refused' | 'expired';

/** As an ALLOW states it under `approvals`. */
export type StatedApproval = { readonly [member: string]: Json } & { readonly id: string };

/** Requests that one tenant, and one agent of it, may have open at a time. */
export const maxOpenRequests = { tenant: 512, agent: 64 } as const;

export function stateOf(approval: PendingApproval, now: number): ApprovalState {
  if (now >= approval.expiresAt) return 'expired';
  if (approval.refusal !== undefined) return 'refused';
  return distinctApprovers(approval) >= approval.terms.count ? 'approved' : 'pending';
}

function distinctApprovers({ grants }: PendingApproval): number {
  return new Set(grants.map(({ by }) => nameOf(by))).size;
}

/** One text for each that may answer, for comparing. */
export function nameOf(by: AnsweredBy): string {
  return by === 'operator' ? by : JSON.stringify([by.issuer, by.subject]);
}

export function isSamePerson(one: AnsweredBy, other: AnsweredBy): boolean {
  return nameOf(one) === nameOf(other);
}
