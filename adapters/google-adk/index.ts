export { envelopePlugin } from './envelope-plugin.ts';
export { governTool } from './govern-tool.ts';
export type { GovernAdkOptions } from './govern-tool.ts';
export { governTools } from './govern-tools.ts';
export { lastUserText } from '../../src/adapter.ts';
export { saidByUser } from './said-by-user.ts';
