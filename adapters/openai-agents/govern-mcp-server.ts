import type { CallToolResult, MCPServer, RunContext } from '@openai/agents';
import {
  CountersignError,
  governed,
  metaKeys,
  metaOf,
  toldToModel,
  type Delegator,
  type Execute,
  type GovernOptions,
  type JsonObject,
  type RunResult,
} from '../../src/adapter.ts';
import { definitionFrom } from '../shared/definition.ts';

/** `server` is what policy calls this server; `identity` is given the run's context. */
export type GovernMcpOptions<Context = unknown> = GovernOptions<RunContext<Context>>;

type Meta = NonNullable<Parameters<MCPServer['callTool']>[2]>;
type CallTool = MCPServer['callTool'];
type CallToolResultOf = NonNullable<MCPServer['callToolResult']>;

/** What was asked on behalf of a run, found again by the very object that the SDK hands on as the request's `_meta`. */
interface Asked {
  readonly context: RunContext;
  readonly meta: Meta | undefined;
}

/**
 * Puts the gate before an MCP server's tools: `new Agent({ mcpServers: [governMcpServer(options)(server)] })`.
 *
 * A denial is told to the model as the tool's text; the envelopes are the output item's `customData`, of servers that have
 * `callToolResult`, as all of the SDK's have. A call that no run makes has no context: it is denied where there is an `identity`.
 *
 * @returns a function that takes a server and gives one of the same type, which connects and closes the one it was given.
 */
export function governMcpServer<Context = unknown>(
  options: GovernMcpOptions<Context>,
): <T extends MCPServer>(server: T) => T {
  return <T extends MCPServer>(server: T): T => {
    const gated: object = gatedParts(options, server);
    return new Proxy(server, {
      get(target, name) {
        if (Object.hasOwn(gated, name)) return Reflect.get(gated, name) as unknown;
        const value: unknown = Reflect.get(target, name, target);
        return typeof value === 'function' ? (value.bind(target) as unknown) : value;
      },
      set: (target, name, value) => Reflect.set(target, name, value, target),
    });
  };
}

function gatedParts<Context>(options: GovernMcpOptions<Context>, server: MCPServer): Partial<MCPServer> {
  const { request, ...ours } = options;
  const gate = governed<RunContext | undefined>({
    ...ours,
    identity: identityOf(options),
    ...(request && { request: (context) => context && request(context as RunContext<Context>) }),
  });
  const runs = new WeakMap<Meta, Asked>();
  const definitions = new Map<string, JsonObject>();

  const listTools: MCPServer['listTools'] = async () => {
    const tools = await server.listTools();
    for (const { name, description, inputSchema } of tools)
      definitions.set(name, definitionFrom({ name, description, inputSchema }));
    return tools;
  };
  const definitionNamed = async (tool: string): Promise<JsonObject | undefined> => {
    if (!definitions.has(tool)) await listTools();
    return definitions.get(tool);
  };
  const run = async <T>(
    [tool, args, meta, call]: Parameters<CallTool>,
    execute: (...asked: Parameters<CallTool>) => Promise<T>,
  ): Promise<RunResult<T>> => {
    const asked = meta ? runs.get(meta) : undefined;
    const theirs = asked === undefined ? meta : asked.meta;
    const carryOut: Execute<T> = (decided, signal) => execute(tool, decided, theirs, { ...call, signal });
    const definition = await definitionNamed(tool);
    return gate.run(
      { tool, definition, arguments: args ?? {}, from: asked?.context, signal: call?.signal },
      carryOut,
    );
  };

  return {
    listTools,
    async toolMetaResolver(about) {
      const meta = (await server.toolMetaResolver?.(about)) ?? undefined;
      const carried = { ...meta };
      runs.set(carried, { context: about.runContext, meta });
      return carried;
    },
    async callTool(...asked) {
      const ended = await run(asked, (...call) => server.callTool(...call));
      if (ended.kind === 'done') return ended.result;
      return refusedResult(ended).content;
    },
    ...(server.callToolResult && { callToolResult: fullResults(run, server.callToolResult.bind(server)) }),
    async customDataExtractor(about) {
      const own = await server.customDataExtractor?.(about);
      const ours = Object.entries(about.resultMeta ?? {}).filter(([key]) => isOurs(key));
      return { ...own, ...Object.fromEntries(ours) };
    },
  };
}

type RunOne = <T>(
  asked: Parameters<CallTool>,
  execute: (...call: Parameters<CallTool>) => Promise<T>,
) => Promise<RunResult<T>>;

/** With the envelopes in the result's `_meta`, in place of whatever the server itself has put there under our names. */
function fullResults(run: RunOne, callToolResult: CallToolResultOf): CallToolResultOf {
  return async (...asked) => {
    const ended = await run(asked, (...call) => callToolResult(...call));
    const result = ended.kind === 'done' ? ended.result : refusedResult(ended);
    const theirs = Object.entries(result._meta ?? {}).filter(([key]) => !isOurs(key));
    return { ...result, _meta: { ...Object.fromEntries(theirs), ...metaOf(ended) } };
  };
}

/** @throws what the tool threw. */
function refusedResult(ended: Exclude<RunResult<unknown>, { kind: 'done' }>): CallToolResult {
  if (ended.kind === 'failed') throw ended.error;
  return { content: [{ type: 'text', text: toldToModel(ended.denial) }], isError: true };
}

function isOurs(key: string): boolean {
  return (Object.values(metaKeys) as string[]).includes(key);
}

function identityOf<Context>({ identity }: GovernMcpOptions<Context>) {
  return (context: RunContext | undefined): Delegator | undefined | Promise<Delegator | undefined> => {
    if (identity === undefined) return undefined;
    if (context !== undefined) return identity(context as RunContext<Context>);
    throw new CountersignError('LOGIN_MISSING', 'This call belongs to no run, and so to nobody.');
  };
}
