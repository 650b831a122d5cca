import { governed, type GovernOptions } from '../../src/adapter.ts';
import type { DescribedTool } from '../shared/definition.ts';
import { gatedPrompt, gatedResource, gatedTool, type Ask, type Send } from './gated.ts';

/** What is asked of an MCP server. `identity` is given it; who talks to the agent, `getCurrentAgent()` of `agents` knows. */
export interface McpRequest {
  readonly serverId: string;
  readonly method: 'tools/call' | 'resources/read' | 'prompts/get';
  /** The tool's name as its server has it, the resource's URI, or the prompt's name. */
  readonly name: string;
}

export interface GovernMcpOptions extends Omit<GovernOptions<McpRequest>, 'server'> {
  /** What policy calls the MCP servers, or each of them by its id: `(serverId) => serverId`. */
  readonly server: string | ((serverId: string) => string);
}

/** An agent's `this.mcp`, as far as it executes something. */
export interface McpClients {
  callTool(params: never, ...more: never[]): Promise<unknown>;
  readResource(params: never, options?: never): Promise<unknown>;
  getPrompt(params: never, options?: never): Promise<unknown>;
  listTools(filter?: { serverId: string }): readonly DescribedTool[];
}

/**
 * Puts the gate before what an agent's MCP servers do: `governMcp(options)(this.mcp)`, in the agent's constructor, so that it is
 * done again whenever the agent wakes. It changes the manager it is given, since the agent goes on using that one:
 * `callTool`, and so what `getAITools()` hands out and code mode calls, `readResource` and `getPrompt`.
 *
 * A tool that is denied answers with `isError` and the reason as its text, which the AI SDK tells the model. Resources and
 * prompts reject with the code. Envelopes come to `onEnd`: the AI SDK shows all of a tool's result to the model.
 *
 * @throws TypeError for a manager that is governed already.
 */
export function governMcp(options: GovernMcpOptions): <T extends McpClients>(mcp: T) => T {
  const ask = askOf(options);
  return <T extends McpClients>(mcp: T): T =>
    Object.defineProperties(mcp, {
      callTool: { value: gatedTool(ask, mcp.callTool.bind(mcp) as Send, mcp.listTools.bind(mcp)) },
      readResource: { value: gatedResource(ask, mcp.readResource.bind(mcp) as Send) },
      getPrompt: { value: gatedPrompt(ask, mcp.getPrompt.bind(mcp) as Send) },
    });
}

function askOf({ server, ...options }: GovernMcpOptions): Ask {
  return (call, execute) => {
    const named = typeof server === 'string' ? server : server(call.from.serverId);
    return governed<McpRequest>({ ...options, server: named }).run(call, execute);
  };
}
