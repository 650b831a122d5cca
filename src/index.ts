/**
 * What a library user imports. It runs on Node and on Workers alike: nothing here reaches a `node:` module, and nothing
 * here confers anything. A permit is minted by the gate alone, a principal by an authenticator.
 */
export { CountersignError } from './errors.ts';
export { allowCodes, metaKeys, metaPrefix, predicateTypes, reasonCodes } from './names.ts';
export type { AllowCode, ReasonCode, StatementKind } from './names.ts';

export type { Call, OutcomeKind, ServerRef, ToolDefinition, ToolStanding } from './call/call.ts';
export type { Json, JsonObject } from './call/json.ts';
export type { Permit } from './call/permit.ts';

export { createAuthenticator } from './identity/authenticate.ts';
export type { ApiKeyStore, AuthenticatorOptions } from './identity/authenticate.ts';
export type {
  Agent,
  Authenticator,
  Credentials,
  Device,
  Human,
  Network,
  Principal,
} from './identity/principal.ts';
export type { Revocation, RevocationKind, RevocationState } from './identity/revocation/revocation.ts';

export { compilePolicy } from './policy/compile.ts';
export type { Obligation } from './policy/obligation.ts';
export type { Decision, Policy, PolicyInput, PolicySource } from './policy/policy.ts';

export { createLedger } from './ledger/create-ledger.ts';
export type { LedgerOptions } from './ledger/create-ledger.ts';
export type { EntryDraft, Ledger, LogEntry, OpenPermit } from './ledger/ledger.ts';
export type { ReleasedCheckpoint, ReleasedCheckpoints } from './ledger/released-checkpoint.ts';
export type { LogStore } from './ledger/store.ts';
export type { InclusionProof } from './tlog/proof.ts';

export { createIdentityKeeper } from './pki/identity-keeper.ts';
export { createTimestampAuthority } from './pki/timestamp.ts';
export type { Signer, SigningIdentity, SyncSigner, TimestampAuthority } from './pki/signer.ts';

export { createGate, createGates } from './gate/create-gate.ts';
export type {
  CallEnvelopes,
  CallResult,
  DelegatedPermit,
  Denial,
  Gate,
  Gates,
  Openings,
  ToolDirectory,
} from './gate/gate.ts';
export type { Clock, DelegationLimits, GateParts, SharedGateParts } from './gate/parts.ts';
export { createCallDesk } from './gate/call-desk.ts';
export type { CallDesk, CallDeskOptions } from './gate/call-desk.ts';
export { changeRecorder } from './gate/record-change.ts';
export { createRevocations } from './gate/revocations.ts';
export type { Revocations, RevocationsOptions } from './gate/revocations.ts';
export { lift, listRevocations, revoke } from './gate/revoke.ts';
export type {
  RecordedRevocation,
  RevocationOrder,
  Revoked,
  RevokedByWhom,
  RevokeParts,
  Revoking,
} from './gate/revoke.ts';

export { connectGate } from './client/connect-gate.ts';
export type { ConnectGateOptions } from './client/connect-gate.ts';
export { localGate } from './client/local-gate.ts';
export type { LocalGateOptions } from './client/local-gate.ts';
export { CallRefusedError } from './client/call-refused.ts';
export { govern } from './client/govern.ts';
export type { FunctionContext, FunctionOptions, FunctionSpec, GovernedFunction } from './client/govern.ts';
export { lastUserText } from './client/last-user-text.ts';
export { metaOf, toldToModel } from './client/told.ts';
export type { Delegator, GovernedEnd, GovernedVerdict, GovernOptions } from './client/governed.ts';
export type {
  CallOptions,
  Execute,
  GateClient,
  GateDecision,
  GateReport,
  OutcomeReport,
  RunResult,
  ToolCall,
} from './client/gate-client.ts';
export type { Execution, Target } from './targets/target.ts';

export { loadCompromised } from './verify/last-trusted.ts';
export type { Compromised, CompromisedKey, TrustedHead } from './verify/last-trusted.ts';
export { loadTrust } from './verify/trust.ts';
export type { Trust } from './verify/trust.ts';
export { verifyInputs, verifyToolResult } from './verify/verify.ts';
export type { Input, InputOptions } from './verify/verify.ts';
export type { CallReport, EnvelopeReport, Report, ReportedFailure } from './verify/report.ts';
export { loadWitnesses, parseAssurance } from './verify/cosignatures.ts';
export type { Assurance } from './verify/cosignatures.ts';
export { verifyCodes } from './verify/codes.ts';
export type { VerifyCode } from './verify/codes.ts';

export { auditLog } from './evidence/audit.ts';
export type { AuditOptions } from './evidence/audit.ts';
export type { HeldFile } from './evidence/audit-held.ts';
export type { AuditReport } from './evidence/audit-report.ts';
export { auditCodes } from './evidence/faults.ts';
export type { AuditCode, Fault } from './evidence/faults.ts';
export type { TileSource } from './evidence/tile-source.ts';
