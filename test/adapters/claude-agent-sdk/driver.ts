import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  createSdkMcpServer,
  query,
  tool,
  type McpServerConfig,
  type Options,
  type SDKMessage,
} from '@anthropic-ai/claude-agent-sdk';
import { z } from 'zod';
import {
  governedMcpServer,
  governedOptions,
  type ClaudeGovernOptions,
} from '../../../adapters/claude-agent-sdk/index.ts';
import { startAnthropicApi, type MessagesRequest, type Script } from '../../support/anthropic-api.ts';
import { awaitedClaude, claudeEnv, claudeHome, claudeProgram } from '../../support/claude-code.ts';
import type { ToolSpec } from '../contract.ts';

export interface QueryRan {
  readonly told: ReadonlyMap<string, string>;
  readonly requests: readonly MessagesRequest[];
  readonly messages: readonly SDKMessage[];
  /** Every message of the SDK, everything that the model was asked, and all that Claude Code has written. */
  readonly traces: string;
}

export interface QueryGiven {
  readonly script: Script;
  readonly governed?: ClaudeGovernOptions;
  readonly options?: Options | ((cwd: string, home: string) => Options);
  readonly env?: Readonly<Record<string, string>>;
  readonly prompt?: string;
}

/** One query of the real SDK with the real Claude Code, whose model is a script. */
export async function ask({
  script,
  governed,
  options = {},
  env,
  prompt = 'go',
}: QueryGiven): Promise<QueryRan> {
  const api = await startAnthropicApi(script);
  const { home, cwd, remove } = claudeHome();
  const { ended, spawnClaudeCodeProcess } = awaitedClaude();
  const given: Options = {
    cwd,
    env: { ...claudeEnv(api, home), ...env },
    ...(claudeProgram !== undefined && { pathToClaudeCodeExecutable: claudeProgram }),
    permissionMode: 'bypassPermissions',
    allowDangerouslySkipPermissions: true,
    settingSources: [],
    spawnClaudeCodeProcess,
    ...(typeof options === 'function' ? options(cwd, home) : options),
  };
  const messages: SDKMessage[] = [];
  try {
    const run = query({ prompt, options: governed ? governedOptions(given, governed) : given });
    for await (const message of run) messages.push(message);
    const traces = JSON.stringify([messages, api.requests(), written(home)]);
    return { told: api.told(), requests: api.requests(), messages, traces };
  } finally {
    await ended();
    await api.close();
    remove();
  }
}

export function notes(
  tools: readonly ToolSpec[],
  governed?: ClaudeGovernOptions,
  name = 'notes',
): Record<string, McpServerConfig> {
  const server = { name, tools: tools.map(mcpTool) };
  return { [name]: governed ? governedMcpServer(server, governed) : createSdkMcpServer(server) };
}

function mcpTool({ name, description, parameters, execute }: ToolSpec): ReturnType<typeof tool> {
  const shape = Object.fromEntries(Object.keys(parameters.properties).map((key) => [key, z.string()]));
  return tool(name, description, shape, async (args, extra) => {
    const { signal } = extra as { readonly signal?: AbortSignal };
    const result = await execute(args, signal);
    return { content: [{ type: 'text', text: JSON.stringify(result) }] };
  });
}

function written(home: string): readonly string[] {
  return readdirSync(home, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'utf8'));
}
