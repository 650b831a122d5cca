/** Governance of LangChain agents and LangGraph tool nodes: docs/langchain.md. */
export { delegation, delegatorOf } from './delegation.ts';
export type { Delegation } from './delegation.ts';
export { evidenceOf } from './evidence.ts';
export type { AnsweredMessage } from './evidence.ts';
export { governTool, governTools } from './govern-tool.ts';
export { governanceMiddleware } from './middleware.ts';
export type { CallOrigin, GovernanceOptions, GovernToolOptions } from './options.ts';
export { lastUserText } from '../../src/adapter.ts';
