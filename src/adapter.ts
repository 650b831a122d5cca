/**
 * What an adapter is made of: the client of a gate, and no gate. It loads in a few milliseconds, which `index.ts`, with keys, log
 * and policy language, does not.
 */
export { isJsonObject } from './call/json.ts';
export type { Json, JsonObject } from './call/json.ts';
export { CountersignError } from './errors.ts';
export { metaKeys } from './names.ts';
export type { ReasonCode } from './names.ts';
export type { CallEnvelopes, Denial } from './gate/gate.ts';
export { CallRefusedError, resultOf } from './client/call-refused.ts';
export { connectGate } from './client/connect-gate.ts';
export type { ConnectGateOptions } from './client/connect-gate.ts';
export { govern } from './client/govern.ts';
export type { FunctionContext, FunctionOptions, FunctionSpec, GovernedFunction } from './client/govern.ts';
export type { AllowedCall, AskedCall, DeniedCall } from './client/ask-call.ts';
export type { CallOptions, Execute, GateClient, RunResult, ToolCall } from './client/gate-client.ts';
export { governed } from './client/governed.ts';
export type {
  Delegator,
  Governed,
  GovernedCall,
  GovernedEnd,
  GovernedVerdict,
  GovernOptions,
} from './client/governed.ts';
export { lastUserText } from './client/last-user-text.ts';
export { metaOf, toldToModel } from './client/told.ts';
