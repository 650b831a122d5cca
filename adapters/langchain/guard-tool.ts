import type { RunnableConfig } from '@langchain/core/runnables';
import type { ClientTool } from '@langchain/core/tools';

type Invoke = (input: unknown, config: RunnableConfig) => Promise<unknown>;

/**
 * The same tool, of the same class and with everything that is on it, but that it runs through `invoke` alone. `stream`, `batch`
 * and whatever else a runnable does go through its `invoke` too.
 */
export function guardTool<T extends ClientTool>(tool: T, invoke: Invoke): T {
  const guarded = (input: unknown, config?: unknown): Promise<unknown> => invoke(input, asConfig(config));
  return Object.create(tool, {
    invoke: { value: guarded },
    // The older name, which would go around it.
    call: { value: guarded },
  }) as T;
}

/** `call` takes callbacks where `invoke` takes a configuration. */
function asConfig(config: unknown): RunnableConfig {
  if (Array.isArray(config)) return { callbacks: config };
  return typeof config === 'object' && config !== null ? config : {};
}
