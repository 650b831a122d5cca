/** An MCP server whose tools `wait` and `other` never answer, and `begin` answers with a task that never ends. What it is told of them it appends to a file, a line each. */
import { appendFileSync } from 'node:fs';
import { createInterface } from 'node:readline';

interface Message {
  readonly id?: number | string;
  readonly method: string;
  readonly params?: {
    readonly name?: string;
    readonly requestId?: number | string;
    readonly taskId?: string;
  };
}

const [file = ''] = process.argv.slice(2);
const tool = (name: string): object => ({ name, inputSchema: { type: 'object' } });

const answers: Readonly<Record<string, object>> = {
  initialize: {
    protocolVersion: '2025-11-25',
    capabilities: { tools: {} },
    serverInfo: { name: 'slow', version: '1.0.0' },
  },
  'tools/list': { tools: [tool('wait'), tool('other'), tool('begin')] },
};

createInterface({ input: process.stdin }).on('line', (line) => {
  const { id, method, params } = JSON.parse(line) as Message;
  if (method === 'tools/call') appendFileSync(file, `call ${params?.name}\n`);
  if (method === 'notifications/cancelled') appendFileSync(file, 'cancelled\n');
  if (method === 'tasks/cancel') appendFileSync(file, `tasks/cancel ${params?.taskId}\n`);
  const task = { taskId: 'task-1', status: 'working' };
  const result = params?.name === 'begin' ? { task } : answers[method];
  if (id === undefined || result === undefined) return;
  process.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', id, result })}\n`);
});
