import { registerHooks } from 'node:module';
import type { MCPClientManager } from 'agents/mcp/client';

/** The manager of `agents` outside of workerd: it needs the platform's modules only to be there. */

const platform = ['DurableObject', 'WorkerEntrypoint', 'WorkflowEntrypoint', 'RpcTarget', 'EmailMessage'];
const stub = [
  ...platform.map((name) => `export class ${name} {}`),
  'export const env = {}, exports = {};',
  'export const waitUntil = () => undefined;',
].join('\n');

registerHooks({
  resolve: (specifier, context, next) =>
    specifier.startsWith('cloudflare:')
      ? { url: `data:text/javascript,${encodeURIComponent(stub)}`, format: 'module', shortCircuit: true }
      : next(specifier, context),
});

const { MCPClientManager: Manager } = await import('agents/mcp/client');

/** What a manager knows of a server that it is connected to. */
export interface Connection {
  readonly connectionState: 'ready';
  readonly tools: readonly {
    readonly name: string;
    readonly description: string;
    readonly inputSchema: object;
  }[];
  readonly client: {
    readonly callTool?: (params: CalledTool, options?: Options) => Promise<unknown>;
    readonly request?: (
      request: { readonly params: CalledTool },
      schema: object,
      options?: Options,
    ) => Promise<unknown>;
    readonly readResource?: (params: object, options?: Options) => Promise<unknown>;
    readonly getPrompt?: (params: object, options?: Options) => Promise<unknown>;
  };
}
interface CalledTool {
  readonly name: string;
  readonly arguments: object;
}
interface Options {
  readonly signal?: AbortSignal;
}

/** A manager that is connected to one server, `office`. */
export function managerOf(connection: Connection): MCPClientManager {
  const manager = new Manager('test', '1.0.0');
  Object.assign(manager.mcpConnections, { office: connection });
  return manager;
}
