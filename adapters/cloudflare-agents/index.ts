export { governMcp } from './govern-mcp.ts';
export type { GovernMcpOptions, McpClients, McpRequest } from './govern-mcp.ts';
export { lastUserText } from '../../src/adapter.ts';
