import type { BaseTool, BaseToolset } from '@google/adk';
import { CountersignError } from '../../src/adapter.ts';
import { governTool, type GovernAdkOptions } from './govern-tool.ts';

/**
 * An agent's tools and toolsets, each call of them asking the gate. The tools of its sub-agents are theirs: govern those as well.
 *
 * @example new LlmAgent({ tools: governTools([addNote, new MCPToolset(…)], { gate, server: 'notes' }), … })
 * @throws CountersignError `CONFIG_INVALID` for a workflow node: `new NodeTool(node)` is a tool, which can be governed.
 */
export function governTools<T extends BaseTool | BaseToolset>(
  tools: readonly T[],
  options: GovernAdkOptions,
): T[] {
  const govern = governTool(options);
  return tools.map((tool) => {
    if (isTool(tool)) return govern(tool);
    if (isToolset(tool)) return governToolset(tool, govern);
    throw new CountersignError(
      'CONFIG_INVALID',
      'A workflow node is governed as a tool: new NodeTool(node).',
    );
  });
}

const isTool = <T extends object>(tool: T): tool is T & BaseTool =>
  'processLlmRequest' in tool && 'runAsync' in tool;
const isToolset = <T extends object>(tool: T): tool is T & BaseToolset => 'getTools' in tool;

function governToolset<T extends BaseToolset>(toolset: T, govern: (tool: BaseTool) => BaseTool): T {
  const getTools: BaseToolset['getTools'] = async (context) => (await toolset.getTools(context)).map(govern);
  return Object.create(toolset, { getTools: { value: getTools } }) as T;
}
