import type {
  HookCallbackMatcher,
  HookEvent,
  McpServerConfig,
  Options,
  Settings,
} from '@anthropic-ai/claude-agent-sdk';
import { CountersignError, isJsonObject, type Json } from '../../src/adapter.ts';
import { callHooks, type Hooks } from './call-hooks.ts';
import { bindServer, type OfQuery } from './governed-mcp-server.ts';
import { heldPrompt } from './held-prompt.ts';
import { openCalls } from './open-calls.ts';
import type { ClaudeGovernOptions, DecidesItself } from './options.ts';
import { prompted } from './prompted.ts';

/**
 * Options for one `query()`, in which no tool runs that the gate has not allowed: built-in tools, those of MCP servers, and those of
 * sub-agents. Hooks that are there stay, and so do permission modes, rules and prompts: an ALLOW overrides none of them.
 *
 * @param queryOptions As for `query()`.
 * @throws CountersignError `CONFIG_INVALID` for options under which Claude Code runs no hooks, or that could say so elsewhere.
 */
export function governedOptions(queryOptions: Options, options: ClaudeGovernOptions): Options {
  const { abortController, mcpServers = {}, canUseTool, settings } = queryOptions;
  refuseArguments(queryOptions.extraArgs);
  const asked = prompted();
  const own = governedServers(mcpServers, { signal: abortController?.signal, prompt: asked.prompt });
  const decidesItself: DecidesItself = (server) => server?.source === 'sdk' && own.has(server.name);
  const calls = openCalls(options, abortController?.signal, asked);
  const hooks = callHooks(calls, asked, decidesItself, options.timeout ?? 60);
  return {
    ...queryOptions,
    hooks: beside(hooks, queryOptions.hooks),
    settings: governedSettings(settings),
    ...(canUseTool && { canUseTool: heldPrompt(canUseTool, calls, decidesItself) }),
  };
}

function beside(ours: Hooks, theirs: Hooks = {}): Hooks {
  const added = Object.entries(ours) as [HookEvent, HookCallbackMatcher[]][];
  return {
    ...theirs,
    ...Object.fromEntries(added.map(([event, hooks]) => [event, [...hooks, ...(theirs[event] ?? [])]])),
  };
}

function refuseArguments(extraArgs: Options['extraArgs'] = {}): void {
  if (Object.hasOwn(extraArgs, 'bare'))
    throw invalid('With --bare Claude Code runs no hooks, and nothing is decided.');
  if (Object.hasOwn(extraArgs, 'settings'))
    throw invalid('Settings are given as `settings`, and not as an argument.');
}

/** The names under which the query has servers whose handlers ask the gate themselves. */
function governedServers(
  servers: Readonly<Record<string, McpServerConfig>>,
  query: OfQuery,
): ReadonlySet<string> {
  const own = Object.entries(servers).filter(([, server]) => bindServer(server, query));
  return new Set(own.map(([name]) => name));
}

/**
 * Settings that go before the environment and the settings of users and projects. With CLAUDE_CODE_SIMPLE Claude Code runs no hooks,
 * and says nothing of it. Commands in skills run as they are read, without any hook: who may write a file could have them run.
 */
function governedSettings(given: string | Settings | undefined): Settings {
  const settings = typeof given === 'string' ? parsed(given) : given;
  return {
    ...settings,
    env: { ...settings?.env, CLAUDE_CODE_SIMPLE: '' },
    disableSkillShellExecution: true,
  };
}

function parsed(text: string): Settings {
  try {
    const settings = JSON.parse(text) as Json;
    if (isJsonObject(settings)) return settings;
  } catch {
    // It names a file, which nothing can be added to.
  }
  throw invalid('Settings are given as an object: a file could turn the hooks off.');
}

function invalid(message: string): CountersignError {
  return new CountersignError('CONFIG_INVALID', message);
}
