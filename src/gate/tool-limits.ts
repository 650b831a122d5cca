import { matchesTool, parseToolPattern, type ToolPattern } from '../call/tool-pattern.ts';
import type { Principal, Refusal, ToolLimit } from '../identity/principal.ts';
import type { NamedTool } from '../identity/revocation/revocation.ts';

/** Why the credentials of a principal are not for a tool, whatever policy says of it; undefined when they are. */
export function refusedByLimits({ limits }: Principal, tool: NamedTool): Refusal | undefined {
  const limit = limits?.find((each) => !admits(each, tool));
  return limit && refusals[limit.by];
}

const refusals: Readonly<Record<ToolLimit['by'], Refusal>> = {
  'api-key': { code: 'KEY_TOOL_REFUSED', message: 'The API key is not for this tool.' },
  delegation: {
    code: 'DELEGATION_TOOL_REFUSED',
    message: 'The human for whom the agent acts has not left it this tool.',
  },
  grant: {
    code: 'GRANT_TOOL_REFUSED',
    message: 'The grant that the agent acts under is not for this tool.',
  },
};

function admits({ tools }: ToolLimit, { server, name }: NamedTool): boolean {
  return patternsOf(tools).some((pattern) => matchesTool(pattern, server, name));
}

/** A key's list and a token's stay the same objects as long as those are remembered. */
const compiled = new WeakMap<readonly string[], readonly ToolPattern[]>();

function patternsOf(tools: readonly string[]): readonly ToolPattern[] {
  const known = compiled.get(tools);
  if (known) return known;
  const patterns = tools.flatMap(patternIn);
  compiled.set(tools, patterns);
  return patterns;
}

/** What is no pattern admits nothing. */
function patternIn(text: string): readonly ToolPattern[] {
  try {
    return [parseToolPattern(text)];
  } catch {
    return [];
  }
}
