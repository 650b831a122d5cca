import { CountersignError } from '../../src/adapter.ts';
import { governTool, type GovernToolOptions, type MastraTool } from './govern-tool.ts';

export interface GovernToolsOptions<Values = unknown> extends GovernToolOptions<Values> {
  /**
   * What to do with tools that no gate of ours sees run: those that the model's provider executes, and those without `execute`, which
   * the client runs. Refused unless `allow`.
   */
  readonly providerTools?: 'refuse' | 'allow';
}

/**
 * Governs all of an agent's tools, under their ids and not under the names that the agent gives them.
 *
 * @throws CountersignError `CONFIG_INVALID` for a tool that is none of Mastra's own, or that runs elsewhere.
 */
export function governTools<Values, T extends Readonly<Record<string, object>>>(
  tools: T,
  options: GovernToolsOptions<Values>,
): T {
  const govern = governTool(options);
  const governed = Object.entries(tools).map(([name, tool]) => {
    if (runsHere(tool)) return [name, govern(tool)] as const;
    if (runsElsewhere(tool) && options.providerTools === 'allow') return [name, tool] as const;
    throw new CountersignError('CONFIG_INVALID', whyNot(name, tool));
  });
  return Object.fromEntries(governed) as T;
}

function runsHere(tool: object): tool is MastraTool {
  return !runsElsewhere(tool) && 'id' in tool && typeof tool.id === 'string';
}

function runsElsewhere(tool: object): boolean {
  const isProviders = 'type' in tool && (tool.type === 'provider-defined' || tool.type === 'provider');
  return isProviders || !('execute' in tool) || tool.execute === undefined;
}

function whyNot(name: string, tool: object): string {
  return runsElsewhere(tool)
    ? `The tool “${name}” would run without passing the gate: leave it out, or say providerTools: 'allow'.`
    : `The tool “${name}” has no id, and so is none that createTool made: a tool of the AI SDK is governed by countersign/ai.`;
}
