/** What a library user on Node imports beside `index.ts`. */
export { createNodeFetch } from './runtime/connect/node-fetch.ts';
export { openGate } from './runtime/open-gate.ts';
export type { OpenGate, OpenGateOptions } from './runtime/open-gate.ts';
