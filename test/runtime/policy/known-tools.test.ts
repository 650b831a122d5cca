import { expect, it } from 'vitest';
import { utf8 } from '../../../src/call/sha256.ts';
import type { ToolRecord } from '../../../src/ledger/ledger.ts';
import { rememberedTools } from '../../../src/runtime/policy/known-tools.ts';

function record(server: string, tool: string, definition: string): ToolRecord {
  return { server, serverDigest: '00', tool, sha256: '00', definition: utf8(definition) };
}

it('the tools of a home are the newest definition of each, without the servers themselves', async () => {
  const records = [
    record('files', '', '["node","server.js"]'),
    record('files', 'read', '{"name":"read","inputSchema":{"type":"object","properties":{"old":{}}}}'),
    record('files', 'read', '{"name":"read","inputSchema":{"type":"object"}}'),
    record('mail', 'read', '{"name":"read","inputSchema":7}'),
  ];
  expect(await rememberedTools({ tools: () => Promise.resolve(records) })).toEqual([
    { server: 'files', name: 'read', inputSchema: { type: 'object' } },
    { server: 'mail', name: 'read' },
  ]);
});
