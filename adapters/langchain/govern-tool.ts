import type { ClientTool } from '@langchain/core/tools';
import { governed } from '../../src/adapter.ts';
import { approvable } from './approvals.ts';
import { guardTool } from './guard-tool.ts';
import type { GovernToolOptions } from './options.ts';
import { readInput } from './tool-call.ts';
import { toolGate, type Seen } from './tool-gate.ts';

/**
 * Puts the gate in front of a tool, for a plain `ToolNode`, a chain, or whoever calls `invoke`. In an agent of `createAgent` the
 * middleware does it for all tools.
 *
 * A tool call that gave no result is answered with a `ToolMessage` of status `error`. `invoke(args)`, which has no message to
 * answer with, throws a CallRefusedError.
 */
export function governTool<Context = unknown>(
  options: GovernToolOptions<Context>,
): <T extends ClientTool>(tool: T) => T {
  const gate = toolGate(governed(options));
  return (tool) =>
    guardTool(tool, (input, config) => {
      const { call } = readInput(input);
      if (call === undefined) return gate.run(tool, input, config);
      return approvable(options, call, config, async (confirmed) => {
        const seen: Seen = {};
        return { seen, output: await gate.run(tool, input, config, seen, confirmed) };
      });
    });
}

/** The same for several: `new ToolNode(governTools(tools, options))`. */
export function governTools<Context = unknown, const T extends readonly ClientTool[] = readonly ClientTool[]>(
  tools: T,
  options: GovernToolOptions<Context>,
): { -readonly [K in keyof T]: T[K] } {
  const govern = governTool(options);
  return tools.map((tool) => govern(tool)) as { -readonly [K in keyof T]: T[K] };
}
