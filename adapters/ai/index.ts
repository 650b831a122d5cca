/** `countersign/ai`: a gate before the tools of the AI SDK, 6 and 7. */
export { governTools } from './govern-tools.ts';
export type { GovernedTools, GovernToolsOptions } from './govern-tools.ts';
export type { GateApproval } from './govern-tool.ts';
export type { GovernableTool, ToolCallInfo } from './tool.ts';
export { writeEnvelopes } from './write-envelopes.ts';
export type { EnvelopeData, EnvelopeWriter } from './write-envelopes.ts';
export { lastUserText } from '../../src/adapter.ts';
