/** The smallest MCP server over stdio: one tool, which says what it was told. It is what the gate is held against. */
import { createInterface } from 'node:readline';

interface Request {
  readonly id?: number | string;
  readonly method: string;
  readonly params?: { readonly arguments?: { readonly text?: string } };
}

const answers: Readonly<Record<string, (request: Request) => unknown>> = {
  initialize: () => ({
    protocolVersion: '2025-11-25',
    capabilities: { tools: {} },
    serverInfo: { name: 'echo', version: '1.0.0' },
  }),
  'tools/list': () => ({
    tools: [
      {
        name: 'echo',
        description: 'Says what it is told.',
        inputSchema: { type: 'object', properties: { text: { type: 'string' } }, required: ['text'] },
        annotations: { readOnlyHint: true },
      },
    ],
  }),
  'tools/call': ({ params }) => ({ content: [{ type: 'text', text: params?.arguments?.text ?? '' }] }),
  ping: () => ({}),
};

createInterface({ input: process.stdin }).on('line', (line) => {
  const request = JSON.parse(line) as Request;
  const answer = answers[request.method];
  if (request.id === undefined || !answer) return;
  process.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', id: request.id, result: answer(request) })}\n`);
});
