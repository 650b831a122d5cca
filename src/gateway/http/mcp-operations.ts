import type { JsonObject } from '../../call/json.ts';
import type { Operation } from './describe-route.ts';

/** Streamable HTTP (https://modelcontextprotocol.io/specification), as far as OpenAPI can tell it. */

const message: JsonObject = { 'application/json': { schema: { type: 'object' } } };
const events: JsonObject = { 'text/event-stream': { schema: { type: 'string' } } };

const session: JsonObject = {
  name: 'Mcp-Session-Id',
  in: 'header',
  description: 'Of revisions with sessions: what the answer to initialize has named.',
  schema: { type: 'string' },
};
const revision: JsonObject = {
  name: 'MCP-Protocol-Version',
  in: 'header',
  schema: { type: 'string', examples: ['2026-07-28'] },
};
const lastEvent: JsonObject = { name: 'Last-Event-ID', in: 'header', schema: { type: 'string' } };

export const mcpOperations: Readonly<Record<'post' | 'get' | 'delete', Operation>> = {
  post: {
    summary: 'Sends one JSON-RPC message to an MCP server',
    description: 'A call is decided, signed and recorded first; its envelopes are in `_meta` of the result.',
    parameters: [session, revision],
    requestBody: { required: true, content: message },
    responses: {
      200: {
        description: 'The answer, by itself or at the end of a stream.',
        content: { ...message, ...events },
      },
      202: { description: 'Nothing is answered to a notification or a response.' },
    },
  },
  get: {
    summary: 'What an MCP server says by itself, and what a lost connection has missed',
    parameters: [session, revision, lastEvent],
    responses: { 200: { description: 'Server-sent events.', content: events } },
  },
  delete: {
    summary: 'Ends a session with an MCP server',
    parameters: [session, revision],
    responses: { 204: { description: 'It has ended.' } },
  },
};
