/**
 * An MCP server whose tools are those of a JSON file, read anew whenever they are listed. A call is answered with the
 * tool's name and its arguments.
 */
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';

interface Request {
  readonly id?: number | string;
  readonly method: string;
  readonly params?: { readonly name?: string; readonly arguments?: object };
}

const [file = ''] = process.argv.slice(2);

const answers: Readonly<Record<string, (request: Request) => object>> = {
  initialize: () => ({
    protocolVersion: '2025-11-25',
    capabilities: { tools: { listChanged: true } },
    serverInfo: { name: 'catalogue', version: '1.0.0' },
  }),
  ping: () => ({}),
  'tools/list': () => ({ tools: JSON.parse(readFileSync(file, 'utf8')) as unknown }),
  'tools/call': ({ params }) => ({
    content: [{ type: 'text', text: params?.name }],
    structuredContent: params?.arguments ?? {},
  }),
};

createInterface({ input: process.stdin }).on('line', (line) => {
  const request = JSON.parse(line) as Request;
  if (request.id === undefined) return;
  const answer = answers[request.method];
  const outcome = answer
    ? { result: answer(request) }
    : { error: { code: -32601, message: 'There is no such method.' } };
  process.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', id: request.id, ...outcome })}\n`);
});
