import type {
  createSdkMcpServer,
  McpSdkServerConfigWithInstance,
  McpServerConfig,
  SdkMcpToolDefinition,
} from '@anthropic-ai/claude-agent-sdk';
import { governed, metaOf, toldToModel } from '../../src/adapter.ts';
import type { Governed, JsonObject, RunResult } from '../../src/adapter.ts';
import { peer } from '../shared/peer.ts';
import type { ClaudeCall, ClaudeGovernOptions } from './options.ts';
import { listTools } from './list-tools.ts';

const sdk = await peer(
  'claude-agent-sdk',
  '@anthropic-ai/claude-agent-sdk',
  () => import('@anthropic-ai/claude-agent-sdk'),
);

type ServerOptions = Parameters<typeof createSdkMcpServer>[0];
type Tool = NonNullable<ServerOptions['tools']>[number];
type Answer = Awaited<ReturnType<SdkMcpToolDefinition['handler']>>;

/** What a query knows of its end, and of what it was asked, for the servers that it was given. */
export interface OfQuery {
  readonly signal?: AbortSignal | undefined;
  readonly prompt?: () => string | undefined;
}

const bindings = new WeakMap<object, { query: OfQuery }>();

/**
 * `createSdkMcpServer` with tools whose handlers run once the gate has allowed exactly their arguments. The hooks of
 * `governedOptions` leave its calls to it.
 */
export function governedMcpServer(
  server: ServerOptions,
  options: ClaudeGovernOptions,
): McpSdkServerConfigWithInstance {
  const gate = governed(options);
  const bound: { query: OfQuery } = { query: {} };
  let listed: ReturnType<typeof listTools> | undefined;
  const definitionOf = async (name: string): Promise<JsonObject | undefined> => {
    listed ??= listTools(sdk.createSdkMcpServer(server).instance);
    return (await listed).get(name);
  };
  const tools = server.tools?.map((tool) => governTool(tool, gate, definitionOf, bound));
  const config = sdk.createSdkMcpServer({ ...server, ...(tools && { tools }) });
  bindings.set(config.instance, bound);
  return config;
}

/** Whether a server is a governed one; if so, its calls are of this query, and end with its signal too. */
export function bindServer(server: McpServerConfig, query: OfQuery): boolean {
  const bound = 'instance' in server ? bindings.get(server.instance) : undefined;
  if (bound) bound.query = query;
  return bound !== undefined;
}

function governTool(
  tool: Tool,
  gate: Governed<ClaudeCall>,
  definitionOf: (name: string) => Promise<JsonObject | undefined>,
  bound: { readonly query: OfQuery },
): Tool {
  return {
    ...tool,
    async handler(args: unknown, extra: unknown) {
      const { signal: own, toolCallId } = extraOf(extra);
      const signals = [own, bound.query.signal].filter((signal) => signal !== undefined);
      const call = {
        tool: tool.name,
        definition: await definitionOf(tool.name),
        arguments: args,
        toolCallId,
        from: { extra, prompt: bound.query.prompt?.() },
        signal: AbortSignal.any(signals),
      };
      const ended = await gate.run(call, (given, signal) =>
        tool.handler(given, { ...(extra as object), signal }),
      );
      return answerOf(ended);
    },
  };
}

function answerOf(ended: RunResult<Answer>): Answer {
  if (ended.kind === 'failed') throw ended.error;
  if (ended.kind === 'done') {
    return { ...ended.result, _meta: { ...ended.result._meta, ...metaOf(ended) } };
  }
  return {
    content: [{ type: 'text', text: toldToModel(ended.denial) }],
    isError: true,
    _meta: metaOf(ended),
  };
}

/** What MCP's server tells a handler, as far as it is there: the SDK types it as unknown. */
function extraOf(extra: unknown): { readonly signal?: AbortSignal; readonly toolCallId?: string } {
  const { signal, _meta: meta } = (extra ?? {}) as {
    signal?: unknown;
    _meta?: Readonly<Record<string, unknown>>;
  };
  const id = meta?.['claudecode/toolUseId'];
  return {
    ...(signal instanceof AbortSignal && { signal }),
    ...(typeof id === 'string' && { toolCallId: id }),
  };
}
