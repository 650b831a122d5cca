/** What a library user on Node imports beside `index.ts`. */
export { createNodeFetch } from './runtime/connect/node-fetch.ts';
