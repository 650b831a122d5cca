/**
 * An MCP server whose one tool has an effect that outlives it: each call appends its word to a file, durably.
 *
 * JavaScript, as it is started many times: Node takes a tenth of a second more of its time to start on TypeScript.
 */
import { closeSync, fsyncSync, openSync, writeSync } from 'node:fs';
import { createInterface } from 'node:readline';

const [file = ''] = process.argv.slice(2);

function perform(word) {
  const handle = openSync(file, 'a');
  writeSync(handle, `${word}\n`);
  fsyncSync(handle);
  closeSync(handle);
  return { content: [{ type: 'text', text: word }] };
}

const answers = {
  initialize: () => ({
    protocolVersion: '2025-11-25',
    capabilities: { tools: {} },
    serverInfo: { name: 'effects', version: '1.0.0' },
  }),
  'tools/list': () => ({
    tools: [{ name: 'perform', inputSchema: { type: 'object', properties: { word: { type: 'string' } } } }],
  }),
  'tools/call': ({ params }) => perform(params?.arguments?.word ?? ''),
};

createInterface({ input: process.stdin }).on('line', (line) => {
  const request = JSON.parse(line);
  const answer = answers[request.method];
  if (request.id === undefined || !answer) return;
  process.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', id: request.id, result: answer(request) })}\n`);
});
