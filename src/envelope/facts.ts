import type { Call, OutcomeKind, ToolStanding } from '../call/call.ts';
import type { Json, JsonObject } from '../call/json.ts';
import type { Principal } from '../identity/principal.ts';
import type { ReasonCode } from '../names.ts';
import type { Decision, Policy } from '../policy/policy.ts';

/** What the builders of `statements.ts` state. Times are wall milliseconds, digests and commitments hexadecimal. */

/** Whether agent and gate share an operating-system user: what any claim here is worth. */
export type Mode = 'same-user' | 'isolated';

/** A statement's place in its session. */
export interface SessionFacts {
  /** A UUID. */
  readonly id: string;
  readonly seq: number;
  /** SHA-256 of the previous statement's pre-authentication encoding; absent for the first. */
  readonly prev?: string;
}

export interface VerdictFacts {
  readonly call: Call;
  readonly principal: Principal;
  readonly standing: ToolStanding;
  readonly commitments: {
    /** SHA-256 of the action document. */
    readonly subject: string;
    readonly params: string;
    /** By JSON pointer; only of properties that the tool's schema declares. */
    readonly arguments: Readonly<Record<string, string>>;
    /** By JSON pointer into the stated principal: what is committed to instead. */
    readonly principal?: Readonly<Record<string, string>>;
  };
  /** Commitment to the params as the caller sent them, where policy changed the arguments. */
  readonly asked?: string;
  /** Who approved exactly this call, as each approval is stated. */
  readonly approvals?: readonly JsonObject[];
  /** Commitment to the policy's whole input. */
  readonly input: string;
  readonly decision: Decision;
  readonly policy: Pick<Policy, 'id' | 'digest' | 'engine'>;
  readonly session: SessionFacts;
  readonly mode: Mode;
  readonly decidedAt: number;
  readonly notAfter: number;
  /** Of an ALLOW that the caller itself carries out: when it has to have said what came of it. Absent when the gate dispatches. */
  readonly settleBy?: number;
  /** W3C trace context. */
  readonly traceparent?: string;
}

export interface OutcomeFacts {
  readonly callId: string;
  /** SHA-256 of the action document: the verdict's subject. */
  readonly subject: string;
  readonly verdict: {
    /** SHA-256 of the verdict's pre-authentication encoding. */
    readonly sha256: string;
    readonly logIndex: number;
    /** The tree that the verdict was included in: order needs no clock. */
    readonly treeSize: number;
    readonly rootHash: string;
  };
  readonly outcome: OutcomeKind;
  readonly reason?: { readonly code: ReasonCode; readonly message: string };
  readonly startedAt: number;
  readonly finishedAt: number;
  /** Commitments; `normalised` is absent when the result has no canonical form. */
  readonly result?: { readonly raw: string; readonly normalised?: string };
  /** Who saw the end of it: of a call that the caller carried out, the gate knows no more than it was told. */
  readonly observedBy: 'gate' | 'caller';
  /** What the rules did to the answer; absent for nothing. */
  readonly enforcement?: readonly ('redacted' | 'withheld')[];
  readonly session: SessionFacts;
  readonly mode: Mode;
}

export interface SessionOpenFacts {
  readonly session: SessionFacts;
  readonly openedAt: number;
  readonly mode: Mode;
  readonly principal: Principal;
  /** JSON pointers into the stated principal: what is not stated here. The session's verdicts commit to it. */
  readonly unstated?: readonly string[];
}

export interface SessionCloseFacts {
  readonly session: SessionFacts;
  readonly closedAt: number;
  /** How many statements the session has, this one included. */
  readonly count: number;
  readonly mode: Mode;
}

export interface LogOpenFacts {
  readonly origin: string;
  /** The log's whole key id, hexadecimal. */
  readonly keyId: string;
  readonly openedAt: number;
  readonly mode: Mode;
  /** The last trusted tree head of the log that this one goes on from. */
  readonly predecessor?: TreeHeadFacts;
}

/** A tree head as statements cite it. */
export interface TreeHeadFacts {
  readonly origin: string;
  readonly treeSize: number;
  /** Hex. */
  readonly rootHash: string;
}

export interface ChangeFacts {
  /** What was changed: `kind`, and what that kind needs. No secret, no plaintext of a call. */
  readonly change: Readonly<Record<string, Json>> & { readonly kind: string };
  readonly changedAt: number;
  readonly mode: Mode;
}

/** Somebody's answer to a request for approval. */
export interface ApprovalFacts {
  readonly id: string;
  /** Hex SHA-256 of the request document: the statement's subject. */
  readonly request: string;
  readonly answer: 'approve' | 'deny';
  /** `operator` proves nobody in particular: whoever runs commands on the home. */
  readonly by: 'operator' | { readonly issuer: string; readonly subject: string };
  /** Which of those that the rule names they are; absent of a deny. */
  readonly as?: string;
  readonly method: 'terminal' | 'token' | 'passkey';
  /** Of `passkey`: what the authenticator signed. */
  readonly assertion?: JsonObject;
  readonly answeredAt: number;
  readonly requestedAt: number;
  readonly expiresAt: number;
  /** The call that was denied because it was not approved yet. */
  readonly callId: string;
  readonly tenant: string;
  readonly tool: { readonly server: string; readonly name: string };
  readonly rule: string;
  /** Hex digest of the policy. */
  readonly policy: string;
  readonly mode: Mode;
}

/** What a key is for: `ca` issues signing certificates, `ct` signs their SCTs, `timestamp` stamps, `log` signs checkpoints. */
export type KeyPurpose = 'ca' | 'timestamp' | 'ct' | 'log';

export interface KeyEventFacts {
  readonly purpose: KeyPurpose;
  /** Hex SHA-256 of the SubjectPublicKeyInfo of the key that this is about. */
  readonly keyId: string;
  /** `compromised`: nothing that it signs counts but what `lastTrusted` holds. Never a date: its holder writes dates. */
  readonly event: 'rotated' | 'compromised';
  /** Hex SHA-256 of the SubjectPublicKeyInfo that took its place. */
  readonly successor: string;
  /** Only when compromised. */
  readonly lastTrusted?: TreeHeadFacts;
  readonly occurredAt: number;
  readonly mode: Mode;
}

export interface RefusalsFacts {
  readonly since: number;
  readonly until: number;
  /** How often each reason refused somebody before anybody was authenticated. */
  readonly counts: Readonly<Partial<Record<ReasonCode, number>>>;
  readonly mode: Mode;
}
