export { governMcpServer } from './govern-mcp-server.ts';
export type { GovernMcpOptions } from './govern-mcp-server.ts';
export { governTool } from './govern-tool.ts';
export type { FunctionToolLike, GovernToolOptions } from './govern-tool.ts';
export { governTools } from './govern-tools.ts';
export type { GovernToolsOptions, ToolLike } from './govern-tools.ts';
export { noteFailures } from './note-failures.ts';
export { lastUserText } from '../../src/adapter.ts';
