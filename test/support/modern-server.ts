/** A small MCP server over stdio, made with the v2 SDK: it speaks 2026-07-28 and the revisions before it. */
import { McpServer } from '@modelcontextprotocol/server';
import { serveStdio } from '@modelcontextprotocol/server/stdio';
import { z } from 'zod';

serveStdio(() => {
  const server = new McpServer({ name: 'modern', version: '1.0.0' }, { capabilities: { tools: {} } });
  server.registerTool(
    'look',
    {
      description: 'Looks at something.',
      inputSchema: z.object({ at: z.string() }),
      annotations: { readOnlyHint: true },
    },
    ({ at }) => ({ content: [{ type: 'text', text: `It is ${at}.` }], _meta: { 'example.com/seen': true } }),
  );
  return server;
});
