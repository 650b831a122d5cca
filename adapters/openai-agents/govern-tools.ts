import { CountersignError } from '../../src/adapter.ts';
import { governTool, type FunctionToolLike, type GovernToolOptions } from './govern-tool.ts';

export interface GovernToolsOptions<Context = unknown> extends GovernToolOptions<Context> {
  /**
   * What to do with tools that no gate of ours sees run: those that the model's provider executes (web search, file search, code
   * interpreter, hosted MCP), and `computer`, `shell` and `apply_patch`. Refused unless `allow`.
   */
  readonly providerTools?: 'refuse' | 'allow';
}

/** Any tool of an agent. */
export type ToolLike =
  | FunctionToolLike
  | {
      readonly type: 'hosted_tool' | 'computer' | 'shell' | 'apply_patch';
      readonly name: string;
    };

/**
 * Governs all of an agent's tools.
 *
 * @throws CountersignError `CONFIG_INVALID` for a tool that is no function tool, unless `providerTools` is `allow`.
 */
export function governTools<Context, T extends ToolLike>(
  tools: readonly T[],
  options: GovernToolsOptions<Context>,
): T[] {
  const govern = governTool(options);
  const isFunction = (tool: T): tool is T & FunctionToolLike => tool.type === 'function';
  return tools.map((tool) => {
    if (isFunction(tool)) return govern(tool);
    if (options.providerTools === 'allow') return tool;
    throw new CountersignError(
      'CONFIG_INVALID',
      `The tool “${tool.name}” (${tool.type}) would run without passing the gate: leave it out, or say providerTools: 'allow'.`,
    );
  });
}
