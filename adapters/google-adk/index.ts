export { envelopePlugin } from './envelope-plugin.ts';
export { governTool } from './govern-tool.ts';
export type { GovernAdkOptions } from './govern-tool.ts';
export { governTools } from './govern-tools.ts';
