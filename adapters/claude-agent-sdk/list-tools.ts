import type { McpSdkServerConfigWithInstance } from '@anthropic-ai/claude-agent-sdk';
import type { JsonObject } from '../../src/adapter.ts';

type Server = McpSdkServerConfigWithInstance['instance'];
type Transport = Parameters<Server['connect']>[0];

interface Listed {
  readonly result: { readonly tools: readonly (JsonObject & { readonly name: string })[] };
}

/**
 * What a server says that its tools are, by name: the very definitions that the model is shown, whichever version of Zod they
 * were written with.
 *
 * @param server One of its own for this: it is connected to nobody else.
 */
export async function listTools(server: Server): Promise<ReadonlyMap<string, JsonObject>> {
  const answered = Promise.withResolvers<Listed>();
  const transport: Transport = {
    start: () => Promise.resolve(),
    send: (message) => {
      // One request is made, and its type is that of all messages: what is sent is the answer to it.
      answered.resolve(message as unknown as Listed);
      return Promise.resolve();
    },
    close: () => Promise.resolve(),
  };
  await server.connect(transport);
  transport.onmessage?.({ jsonrpc: '2.0', id: 1, method: 'tools/list' });
  const { result } = await answered.promise;
  await server.close();
  return new Map(result.tools.map(({ _meta, ...definition }) => [definition['name'], definition]));
}
