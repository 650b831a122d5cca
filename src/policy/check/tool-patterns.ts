import { matchesTool, type ToolPattern } from '../../call/tool-pattern.ts';
import { nearest } from '../nearest.ts';
import type { Place } from '../yaml-source.ts';
import type { CheckedRule } from './checked-rule.ts';
import type { KnownTool, KnownTools } from './known-tool.ts';
import type { Warning } from './warning.ts';

/** What every server may be asked for beside its tools, by the names that policy gives it. */
const methods = ['resources:read', 'resources:subscribe', 'prompts:get', 'completion:complete'] as const;

/** Patterns that no known tool matches. */
export function deadPatterns(rules: readonly CheckedRule[], known: KnownTools): Warning[] {
  const byServer = groupByServer(known.tools);
  return rules.flatMap(({ rule, tools }) =>
    tools.flatMap(({ pattern, place }) => {
      const why = whyDead(pattern, byServer, known.complete);
      if (why === undefined) return [];
      const sentence = `no tool is matched by ${pattern.server}/${pattern.tool} of the rule ${rule.id}: ${why}`;
      return [{ kind: 'no-tool' as const, rule: rule.id, place, sentence }];
    }),
  );
}

type ToolsByServer = ReadonlyMap<string, readonly string[]>;

function groupByServer(tools: readonly KnownTool[]): ToolsByServer {
  const groups = new Map<string, string[]>();
  for (const { server, name } of tools) {
    const names = groups.get(server);
    if (names === undefined) groups.set(server, [...methods, name]);
    else names.push(name);
  }
  return groups;
}

function whyDead(pattern: ToolPattern, byServer: ToolsByServer, complete: boolean): string | undefined {
  const servers = [...byServer.keys()].filter((server) => matchesTool({ ...pattern, tool: '*' }, server, ''));
  if (servers.length === 0) return whyNoServer(pattern, byServer, complete);
  const names = servers.flatMap((server) => byServer.get(server) ?? []);
  if (names.some((name) => matchesTool({ ...pattern, server: '*' }, '', name))) return undefined;
  const near = nearest(pattern.tool, names);
  const hint = near === undefined ? '' : `, did you mean ${pattern.server}/${near}?`;
  return `${servers.length === 1 ? `the server ${servers[0] ?? ''}` : `each of ${servers.length} servers`} lists none${hint || ' of that name'}`;
}

/** Calls need no server that lists: commands, actions and adapters name their own. Only a slip of the pen is certain. */
function whyNoServer(pattern: ToolPattern, byServer: ToolsByServer, complete: boolean): string | undefined {
  const near = nearest(pattern.server, byServer.keys());
  if (near !== undefined) return `there is no such server, did you mean ${near}?`;
  return complete ? 'there is no such server' : undefined;
}

/** Tools that no rule is about: they are denied, and perhaps forgotten. */
export function unmentionedTools(
  rules: readonly CheckedRule[],
  { tools }: KnownTools,
  place: Place,
): Warning[] {
  const patterns = rules.flatMap(({ rule }) => rule.tools);
  return tools
    .filter(({ server, name }) => !patterns.some((pattern) => matchesTool(pattern, server, name)))
    .map(({ server, name }) => ({
      kind: 'unmentioned-tool',
      place,
      sentence: `no rule is about the tool ${server}/${name}, so that each call of it is denied`,
    }));
}
