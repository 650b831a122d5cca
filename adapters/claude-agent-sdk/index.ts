/** Governance for agents of the Claude Agent SDK: `countersign/claude-agent-sdk`. */
export { governedMcpServer } from './governed-mcp-server.ts';
export { governedOptions } from './governed-options.ts';
export type { ClaudeCall, ClaudeGovernOptions } from './options.ts';
