import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Policy } from '../../../../src/policy/policy.ts';
import { overStdio, startGateway, type TestGateway } from './gateway.ts';

const scripted = new URL('../../../support/scripted-server.mjs', import.meta.url).pathname;
const patience = { waitMs: 1_500, impatientMs: 200, retryMs: 50, longestRetryMs: 200 };

const initialize = `initialize: () => JSON.stringify({
  protocolVersion: '2025-11-25', capabilities: { tools: {}, prompts: {}, resources: {} }, serverInfo: { name: 'x', version: '1' } })`;
/** A tool that says what it was asked. */
export const call = `'tools/call': ({ params }) => JSON.stringify({ content: [{ type: 'text', text: JSON.stringify(params) }] })`;
const tool = (name: string) => `{"name":${JSON.stringify(name)},"inputSchema":{"type":"object"}}`;
/** A list of tools with these names. */
export const tools = (...names: readonly string[]) =>
  `'tools/list': () => ${JSON.stringify(`{"tools":[${names.map(tool).join(',')}]}`)}`;

/** Servers of these scripts, all at /mcp, and a client that speaks as it likes. */
export async function withServers(
  scripts: Readonly<Record<string, readonly string[]>>,
  test: (client: RawClient, gateway: TestGateway) => Promise<void>,
  policy?: Policy,
): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'countersign-scripted-'));
  const transports = Object.entries(scripts).map(([name, members]) => {
    const file = join(folder, `${crypto.randomUUID()}.mjs`);
    writeFileSync(file, `export default { ${[initialize, ...members].join(',\n')} };`);
    return [name, overStdio(scripted, file)] as const;
  });
  const gateway = await startGateway(Object.fromEntries(transports), { patience, ...(policy && { policy }) });
  try {
    await test(await rawClient(gateway), gateway);
  } finally {
    await gateway[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  }
}

export interface Answer {
  readonly status: number;
  readonly text: string;
  /** All that came. */
  readonly body: string;
  readonly message: {
    readonly result?: Record<string, never> & { readonly tools?: readonly { readonly name: string }[] };
    readonly error?: {
      readonly code: number;
      readonly message: string;
      readonly data?: { readonly code: string };
    };
  };
}

export interface RawClient {
  ask(method: string, params?: object, id?: number | string): Promise<Answer>;
  send(message: object): Promise<Answer>;
  names(): Promise<readonly string[]>;
}

async function rawClient({ at, apiKey }: TestGateway): Promise<RawClient> {
  let session: string | null = null;
  const send: RawClient['send'] = async (message) => {
    const response = await fetch(at(''), {
      method: 'POST',
      headers: {
        authorization: `Bearer ${apiKey}`,
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
        ...(session !== null && { 'mcp-session-id': session }),
      },
      body: JSON.stringify(message),
    });
    session ??= response.headers.get('mcp-session-id');
    const body = await response.text();
    const text = /^[[{]|^$/.test(body) ? body : (/data: (\{.*"(?:result|error)".*\})/.exec(body)?.[1] ?? '');
    return { status: response.status, text, body, message: JSON.parse(text || '{}') as Answer['message'] };
  };
  let count = 0;
  const client: RawClient = {
    send,
    ask: (method, params = {}, id = ++count) => send({ jsonrpc: '2.0', id, method, params }),
    names: async () => ((await client.ask('tools/list')).message.result?.tools ?? []).map(({ name }) => name),
  };
  await client.ask('initialize', {
    protocolVersion: '2025-11-25',
    capabilities: { sampling: {}, roots: {} },
    clientInfo: { name: 'raw', version: '1' },
  });
  await send({ jsonrpc: '2.0', method: 'notifications/initialized' });
  return client;
}
