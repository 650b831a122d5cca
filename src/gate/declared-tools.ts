import type { ServerRef, ToolDefinition } from '../call/call.ts';
import type { ToolDirectory } from './gate.ts';

/**
 * Tools that the operator declared in configuration, instead of a server that lists its own: declaring one accepts it. The
 * configuration is stated in the log as a whole, so there is nothing here that could move between decision and commit.
 */
export function createDeclaredDirectory(
  server: ServerRef,
  tools: ReadonlyMap<string, ToolDefinition>,
): ToolDirectory {
  return {
    standing(call) {
      const definition = call.server.digest === server.digest ? tools.get(call.tool) : undefined;
      return Promise.resolve({
        standing: definition ? { kind: 'listed', definition } : { kind: 'unknown' },
        expects: [],
      });
    },
    meet: () => Promise.resolve(),
    refresh() {},
  };
}
