import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compilePolicy } from '../../../../src/policy/compile.ts';
import { startFixture, type FixtureServer } from '../../../conformance/fixture-server.ts';
import { overHttp, overStdio, startGateway, type TestGateway } from './gateway.ts';

const modernServer = new URL('../../../support/modern-server.ts', import.meta.url).pathname;

const text = `version: 1
name: changing
rules:
  - id: look
    effect: allow
    tools: [modern/look]
    obligations:
      - { type: transform, set: { /at: '"the moon"' } }
      - { type: redact, of: result, match: moon }
  - id: others
    effect: allow
    tools: ['fixture/*']
    obligations: [{ type: transform, set: { /query: '"by policy"' } }]
`;

let fixture: FixtureServer;
let gateway: TestGateway;
let mirroring: string;
beforeAll(async () => {
  fixture = await startFixture();
  const policy = compilePolicy([{ name: 'changing.yaml', text }]);
  const servers = { fixture: overHttp(fixture.url), modern: overStdio(modernServer) };
  gateway = await startGateway(servers, { policy });
  const { tools } = await ask('fixture', 'tools/list', {});
  mirroring =
    tools?.find(({ inputSchema }) => JSON.stringify(inputSchema).includes('"Region"'))?.name ?? 'none';
});
afterAll(async () => {
  await gateway[Symbol.asyncDispose]();
  await fixture[Symbol.asyncDispose]();
});

interface Result {
  readonly tools?: readonly { readonly name: string; readonly inputSchema: object }[];
  readonly content?: unknown;
  readonly _meta?: Record<string, { readonly code?: string }>;
}

let count = 0;

async function ask(
  server: string,
  method: string,
  params: { readonly name?: string; readonly arguments?: object },
  headers: Record<string, string> = {},
): Promise<Result> {
  const response = await fetch(gateway.at(server), {
    method: 'POST',
    headers: {
      ...{ authorization: `Bearer ${gateway.apiKey}`, 'content-type': 'application/json' },
      ...{ accept: 'application/json, text/event-stream', 'mcp-protocol-version': '2026-07-28' },
      ...{ 'mcp-method': method, ...(params.name !== undefined && { 'mcp-name': params.name }) },
      ...headers,
    },
    body: JSON.stringify({
      ...{ jsonrpc: '2.0', id: ++count, method },
      params: {
        ...params,
        _meta: {
          'io.modelcontextprotocol/protocolVersion': '2026-07-28',
          'io.modelcontextprotocol/clientInfo': { name: 'raw', version: '1' },
          'io.modelcontextprotocol/clientCapabilities': {},
        },
      },
    }),
  });
  const said = await response.text();
  const [, data = said] = /^data: (.+)$/m.exec(said) ?? [];
  return (JSON.parse(data) as { result: Result }).result;
}

const codeIn = ({ _meta }: Result): string | undefined => _meta?.['dev.countersign/denial']?.code;

describe('what rules change, over HTTP', () => {
  it.each([
    ['', 'modern__look'],
    ['modern', 'look'],
  ])('reaches server and client alike at /mcp/%s', async (server, name) => {
    const { content } = await ask(server, 'tools/call', { name, arguments: { at: 'the sun' } });
    expect(JSON.stringify(content)).toContain('the [redacted]');
    expect(JSON.stringify(content)).not.toMatch(/sun|moon/);
  });

  it('is refused where the request repeats arguments in headers, which go on as they are', async () => {
    const params = { name: mirroring, arguments: { region: 'north', priority: 1, query: 'x' } };
    const headers = { 'mcp-param-region': 'north', 'mcp-param-priority': '1' };
    expect(codeIn(await ask('fixture', 'tools/call', params, headers))).toBe('OBLIGATION_UNMET');
    expect(codeIn(await ask('', 'tools/call', { ...params, name: `fixture__${mirroring}` }, headers))).toBe(
      'OBLIGATION_UNMET',
    );
  });
});
