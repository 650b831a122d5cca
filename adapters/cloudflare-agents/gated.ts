import {
  CountersignError,
  resultOf,
  toldToModel,
  type Execute,
  type JsonObject,
  type RunResult,
} from '../../src/adapter.ts';
import { definitionFrom, type DescribedTool } from '../shared/definition.ts';
import { getPrompt, isStandIn, readResource } from './definition.ts';
import type { McpRequest } from './govern-mcp.ts';

/** One call, as the gate is asked about it. */
interface AskedOf {
  readonly tool: string;
  readonly definition: JsonObject | undefined;
  readonly arguments: JsonObject;
  readonly from: McpRequest;
  readonly signal: AbortSignal | undefined;
}
export type Ask = (call: AskedOf, execute: Execute<unknown>) => Promise<RunResult<unknown>>;

interface Params {
  readonly serverId: string;
  readonly name: string;
  readonly uri: string;
  readonly arguments?: JsonObject;
}
interface Options {
  readonly signal?: AbortSignal;
}
/** A method of the manager. What else is in the parameters (`_meta`) is the application's, and goes on as it is. */
export type Send = (params: Params, ...more: unknown[]) => Promise<unknown>;

export function gatedTool(
  ask: Ask,
  send: Send,
  listTools: (filter: { serverId: string }) => readonly DescribedTool[],
): Send {
  // Copied, since whoever holds the parameters may change them while the gate decides.
  return async ({ ...params }, ...more) => {
    const { serverId } = params;
    const prefix = `${serverId}.`;
    // As the manager itself takes a server's id off a name. It is put on again below, so that it takes off that one, and not
    // another that the tool's name contains: what is decided on is what is called.
    const name = params.name.replace(prefix, () => '');
    if (isStandIn(name))
      throw new CountersignError('TOOL_UNKNOWN', 'The name of this tool stands for a method.');
    const listed = listTools({ serverId }).find((tool) => tool.name === name);
    const [schema, options] = splitOptions(more);
    const ended = await ask(
      {
        tool: name,
        // What the server itself says of its tool, before any conversion for a model.
        definition: listed && definitionFrom(listed),
        arguments: params.arguments ?? {},
        from: { serverId, method: 'tools/call', name },
        signal: options?.signal,
      },
      (decided, signal) =>
        send({ ...params, name: prefix + name, arguments: decided }, ...schema, { ...options, signal }),
    );
    if (ended.kind === 'done') return ended.result;
    if (ended.kind === 'failed') throw ended.error;
    return { content: [{ type: 'text', text: toldToModel(ended.denial) }], isError: true };
  };
}

/** The manager takes options, or, as it once did, a schema of the result before them. */
function splitOptions([first, second]: readonly unknown[]): [
  schema: unknown[],
  options: Options | undefined,
] {
  const isSchema = typeof first === 'object' && first !== null && 'parse' in first;
  return isSchema ? [[first], second as Options | undefined] : [[], (first ?? second) as Options | undefined];
}

export function gatedResource(ask: Ask, send: Send): Send {
  return async ({ ...params }, given) => {
    const { serverId, uri } = params;
    const options = given as Options | undefined;
    const ended = await ask(
      {
        tool: readResource.name,
        definition: readResource,
        arguments: { uri },
        from: { serverId, method: 'resources/read', name: uri },
        signal: options?.signal,
      },
      (_decided, signal) => send({ ...params, uri }, { ...options, signal }),
    );
    return resultOf(ended);
  };
}

export function gatedPrompt(ask: Ask, send: Send): Send {
  return async ({ ...params }, given) => {
    const { serverId, name } = params;
    const options = given as Options | undefined;
    const ended = await ask(
      {
        tool: getPrompt.name,
        definition: getPrompt,
        arguments: { name, arguments: params.arguments ?? {} },
        from: { serverId, method: 'prompts/get', name },
        signal: options?.signal,
      },
      (decided, signal) =>
        send({ ...params, name, arguments: decided['arguments'] as JsonObject }, { ...options, signal }),
    );
    return resultOf(ended);
  };
}
