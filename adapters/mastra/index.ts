export { governTool } from './govern-tool.ts';
export type { GovernToolOptions, MastraContext, MastraTool } from './govern-tool.ts';
export { governTools } from './govern-tools.ts';
export type { GovernToolsOptions } from './govern-tools.ts';
export { lastUserText } from '../../src/adapter.ts';
