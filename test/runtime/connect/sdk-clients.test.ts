import { join } from 'node:path';
import { Client as ModernClient } from '@modelcontextprotocol/client';
import { StdioClientTransport as ModernTransport } from '@modelcontextprotocol/client/stdio';
import { Client as LegacyClient } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport as LegacyTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import {
  CreateMessageRequestSchema,
  LoggingMessageNotificationSchema,
} from '@modelcontextprotocol/sdk/types.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { repository } from '../../architecture/source.ts';
import { startFixture, type FixtureServer } from '../../conformance/fixture-server.ts';

/** A server of the official SDK stands for the gate: whoever speaks Streamable HTTP is one to the relay. */
let server: FixtureServer;
beforeAll(async () => {
  server = await startFixture();
});
afterAll(() => server[Symbol.asyncDispose]());

function relayed() {
  const main = join(repository, 'src', 'cli', 'main.ts');
  return {
    command: process.execPath,
    args: [main, 'wrap', '--gate', server.url.replace(/\/mcp$/, '')],
    env: { PATH: process.env['PATH'] ?? '', COUNTERSIGN_API_KEY: 'cs_live_test' },
    stderr: 'inherit' as const,
  };
}

const said = (result: unknown): string =>
  (result as { content: { text?: string }[] }).content.map(({ text }) => text).join();

describe('a stdio client behind the thin relay', () => {
  it('of the v1 SDK has a whole legacy session', async () => {
    const client = new LegacyClient({ name: 'v1', version: '1.0.0' }, { capabilities: { sampling: {} } });
    const logged: unknown[] = [];
    client.setNotificationHandler(
      LoggingMessageNotificationSchema,
      ({ params }) => void logged.push(params.data),
    );
    client.setRequestHandler(CreateMessageRequestSchema, () => ({
      role: 'assistant' as const,
      model: 'none',
      content: { type: 'text' as const, text: 'asked and answered' },
    }));
    await client.connect(new LegacyTransport(relayed()));
    try {
      const { tools } = await client.listTools();
      expect(tools.map(({ name }) => name)).toContain('test_sampling');
      expect(said(await client.callTool({ name: 'test_simple_text', arguments: {} }))).toContain(
        'simple text',
      );
      expect(said(await client.callTool({ name: 'test_sampling', arguments: { prompt: 'x' } }))).toContain(
        'asked and answered',
      );
      await client.callTool({ name: 'test_tool_with_logging', arguments: {} });
      expect(logged.length).toBeGreaterThan(0);
      const progress: number[] = [];
      await client.callTool({ name: 'test_tool_with_progress', arguments: {} }, undefined, {
        onprogress: (one) => progress.push(one.progress),
      });
      expect(progress.length).toBeGreaterThan(0);
      // The server closes the stream of this one and has its client come back for the answer.
      expect(said(await client.callTool({ name: 'test_reconnection', arguments: {} }))).toContain('waited');
      await expect(client.request({ method: 'no/such' }, CreateMessageRequestSchema)).rejects.toMatchObject({
        code: -32_601,
      });
    } finally {
      await client.close();
    }
  });

  it('of the v2 SDK finds the modern era, and is cancelled by it', async () => {
    const client = new ModernClient(
      { name: 'v2', version: '1.0.0' },
      { versionNegotiation: { mode: 'auto' } },
    );
    await client.connect(new ModernTransport(relayed()));
    try {
      expect(client.getNegotiatedProtocolVersion()).toBe('2026-07-28');
      const { tools } = await client.listTools();
      expect(tools.map(({ name }) => name)).toContain('test_simple_text');
      expect(said(await client.callTool({ name: 'test_simple_text', arguments: {} }))).toContain(
        'simple text',
      );
      // This tool's server refuses a call whose headers do not repeat its arguments, of which a stdio client knows nothing.
      const mirrored = await client.callTool({
        name: 'test_header_mirror',
        arguments: { region: 'großräumig' },
      });
      expect(said(mirrored)).toContain('großräumig');
      expect((await client.readResource({ uri: 'test://static-text' })).contents).toHaveLength(1);
      await expect(
        client.callTool({ name: 'test_simple_text', arguments: {} }, { signal: AbortSignal.abort('enough') }),
      ).rejects.toBeDefined();
      expect(said(await client.callTool({ name: 'test_simple_text', arguments: {} }))).toContain(
        'simple text',
      );
    } finally {
      await client.close();
    }
  });
});
