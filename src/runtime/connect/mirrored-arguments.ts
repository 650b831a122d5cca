import { memberOf, type JsonNode } from '../../call/json-node.ts';
import type { Request } from '../../gateway/mcp/message.ts';
import {
  headerText,
  mirroredArguments,
  mirroredText,
  paramPrefix,
  type MirroredArgument,
} from '../../gateway/mcp/mirrored-headers.ts';

/** What tools want repeated in headers: a host on stdio knows nothing of headers, so the relay learns from the lists that pass. */
export interface MirroredArguments {
  /** @param result Of `tools/list`. */
  learn(result: JsonNode): void;
  /** `Mcp-Param-…` of a call; none of a tool that was not listed. */
  headersOf(request: Request): Readonly<Record<string, string>>;
}

/** A list without end is no reason to remember without end. */
const maxTools = 10_000;

export function createMirroredArguments(): MirroredArguments {
  const byTool = new Map<string, readonly MirroredArgument[]>();
  return {
    learn(result) {
      const tools = memberOf(result, 'tools');
      for (const tool of tools?.kind === 'array' ? tools.elements : []) {
        const name = memberOf(tool, 'name')?.value;
        if (typeof name !== 'string') continue;
        byTool.delete(name);
        const mirrored = mirroredArguments(memberOf(tool, 'inputSchema'));
        if (mirrored.length > 0 && byTool.size < maxTools) byTool.set(name, mirrored);
      }
    },
    headersOf({ method, params }) {
      const name = params && memberOf(params, 'name')?.value;
      const given = params && memberOf(params, 'arguments');
      if (method !== 'tools/call' || typeof name !== 'string' || given === undefined) return {};
      return Object.fromEntries(
        (byTool.get(name) ?? []).flatMap((argument) => {
          const text = mirroredText(given, argument);
          return text === undefined ? [] : [[paramPrefix + argument.header, headerText(text)]];
        }),
      );
    },
  };
}
