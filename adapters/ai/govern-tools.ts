import { CountersignError, governed, type GovernOptions } from '../../src/adapter.ts';
import { governTool, type GateApproval } from './govern-tool.ts';
import { isExecutable, isRunByProvider, type GovernableTool, type ToolCallInfo } from './tool.ts';

export interface GovernToolsOptions extends GovernOptions<ToolCallInfo> {
  /**
   * Tools that the model's provider runs itself, as its web search, pass no gate: they are refused unless this says `allow`. Then
   * they stay in the set as they are, undecided and unrecorded.
   */
  readonly providerTools?: 'refuse' | 'allow';
}

export interface GovernedTools<T> {
  /** The same tools. Each `execute` asks the gate, runs only what was allowed, and reports. */
  readonly tools: T;
  /**
   * For AI SDK 7's `toolApproval`, beside `tools` and never in their place: what is denied is denied before `execute`, and shown so.
   * A tool with `needsApproval` is left to its person first.
   */
  readonly toolApproval: { readonly [Name in keyof T]?: GateApproval };
}

/**
 * Puts a gate before tools of the AI SDK, 6 or 7; before those of MCP servers too. Tools without `execute` are left as they are:
 * whoever runs them is elsewhere.
 *
 * What is denied, and what ran without its outcome being recorded, is thrown by `execute` as `CountersignError`: the SDK tells the
 * model its message, and goes on.
 *
 * @throws CountersignError `CONFIG_INVALID` for a tool that the model's provider runs.
 */
export function governTools<T extends Readonly<Record<string, GovernableTool>>>(
  tools: T,
  options: GovernToolsOptions,
): GovernedTools<T> {
  const gate = governed(options);
  const named: [string, GovernableTool][] = [];
  const approvals: [string, GateApproval][] = [];
  for (const [name, tool] of Object.entries(tools)) {
    if (isRunByProvider(tool) && options.providerTools !== 'allow') throw runElsewhere(name);
    if (!isExecutable(tool) || isRunByProvider(tool)) {
      named.push([name, tool]);
      continue;
    }
    const { execute, approve } = governTool(gate, { name, tool, settleWithin: options.settleWithin });
    named.push([name, withExecute(tool, execute)]);
    if (tool.needsApproval === undefined) approvals.push([name, approve]);
  }
  return {
    tools: Object.fromEntries(named) as T,
    toolApproval: Object.fromEntries(approvals) as GovernedTools<T>['toolApproval'],
  };
}

/** A copy with everything that the tool has, getters and prototype too. */
function withExecute(tool: GovernableTool, execute: GovernableTool['execute']): GovernableTool {
  const own = Object.getOwnPropertyDescriptors(tool);
  const ours = { value: execute, enumerable: true, writable: true, configurable: true };
  return Object.create(Object.getPrototypeOf(tool) as object | null, {
    ...own,
    execute: ours,
  }) as GovernableTool;
}

function runElsewhere(name: string): CountersignError {
  return new CountersignError(
    'CONFIG_INVALID',
    `The model's provider runs the tool ${name} itself, where no gate can stop it. Leave it out, or allow it with providerTools.`,
  );
}
