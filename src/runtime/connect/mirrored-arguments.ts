import { memberOf, type JsonNode } from '../../call/json-node.ts';
import type { Request } from '../../gateway/mcp/message.ts';
import { headerText } from './request-headers.ts';

/**
 * The arguments that a tool wants repeated in headers (`x-mcp-header` in its schema, revision 2026-07-28): a host on stdio knows
 * nothing of headers, so the relay learns from the lists that pass.
 */
export interface MirroredArguments {
  /** @param result Of `tools/list`. */
  learn(result: JsonNode): void;
  /** `Mcp-Param-…` of a call; none of a tool that was not listed. */
  headersOf(request: Request): Readonly<Record<string, string>>;
}

interface Mirrored {
  readonly header: string;
  readonly path: readonly string[];
}

const token = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,128}$/;
/** A list without end is no reason to remember without end. */
const maxTools = 10_000;
const maxDepth = 16;

export function createMirroredArguments(): MirroredArguments {
  const byTool = new Map<string, readonly Mirrored[]>();
  return {
    learn(result) {
      const tools = memberOf(result, 'tools');
      for (const tool of tools?.kind === 'array' ? tools.elements : []) {
        const name = memberOf(tool, 'name')?.value;
        if (typeof name !== 'string') continue;
        byTool.delete(name);
        const mirrored = mirroredIn(memberOf(tool, 'inputSchema'));
        if (mirrored.length > 0 && byTool.size < maxTools) byTool.set(name, mirrored);
      }
    },
    headersOf({ method, params }) {
      const name = params && memberOf(params, 'name')?.value;
      const given = params && memberOf(params, 'arguments');
      if (method !== 'tools/call' || typeof name !== 'string' || given === undefined) return {};
      return Object.fromEntries(
        (byTool.get(name) ?? []).flatMap(({ header, path }) => {
          const text = textOf(
            path.reduce<JsonNode | undefined>((node, key) => node && memberOf(node, key), given),
          );
          return text === undefined ? [] : [[`mcp-param-${header}`, headerText(text)]];
        }),
      );
    },
  };
}

/** A header that two arguments claim is left out: the server could not tell whose it is. */
function mirroredIn(schema: JsonNode | undefined): readonly Mirrored[] {
  const all = declared(schema, []);
  return all.filter(({ header }) => all.filter((other) => other.header === header).length === 1);
}

function declared(schema: JsonNode | undefined, path: readonly string[]): readonly Mirrored[] {
  const properties = schema && memberOf(schema, 'properties');
  if (properties?.kind !== 'object' || path.length >= maxDepth) return [];
  return properties.members.flatMap(({ key, node }) => {
    const header = memberOf(node, 'x-mcp-header')?.value;
    const at = [...path, key];
    const own =
      typeof header === 'string' && token.test(header) ? [{ header: header.toLowerCase(), path: at }] : [];
    return [...own, ...declared(node, at)];
  });
}

/** Null and what is absent, too large for a number, or no single value has no header. */
function textOf(node: JsonNode | undefined): string | undefined {
  switch (node?.kind) {
    case 'string':
      return node.value;
    case 'boolean':
      return String(node.value);
    case 'number':
      return Number.isInteger(node.value) && !Number.isSafeInteger(node.value)
        ? undefined
        : String(node.value);
    default:
      return undefined;
  }
}
