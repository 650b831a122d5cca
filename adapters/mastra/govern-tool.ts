import type { PublicSchema } from '@mastra/core/schema';
import type { ToolExecutionContext } from '@mastra/core/tools';
import {
  CountersignError,
  governed,
  metaOf,
  resultOf,
  type GovernOptions,
  type JsonObject,
  type RunResult,
} from '../../src/adapter.ts';
import { definitionFrom } from '../shared/definition.ts';
import { peer } from '../shared/peer.ts';

const { standardSchemaToJSONSchema, toStandardSchema } = await peer(
  'mastra',
  '@mastra/core',
  () => import('@mastra/core/schema'),
);

/** What Mastra hands to a tool beside its input. `Values` are those of the run's `requestContext`. */
export type MastraContext<Values = unknown> = ToolExecutionContext<unknown, unknown, Values>;

/** `identity` is given the context of the call: its `requestContext` is the one that the agent or the workflow was run with. */
export type GovernToolOptions<Values = unknown> = GovernOptions<MastraContext<Values>>;

/** A tool that `createTool({...})` made. */
export interface MastraTool {
  readonly id: string;
  readonly description?: string;
  readonly inputSchema?: unknown;
  readonly execute?: ((input: never, context: never) => Promise<unknown>) | undefined;
}

/** Who calls a tool directly may leave the context out. */
type Execute = (input: unknown, context?: object) => Promise<unknown>;

/**
 * Puts the gate before a tool's execution, whoever calls it: an agent, a workflow's step, or code of the application.
 *
 * A denial is thrown, as is a call that ran and could not be recorded: an agent tells its model and goes on, a workflow's step
 * fails, and neither an output schema nor `toModelOutput` takes it for a result. The envelopes are written to the run's stream.
 *
 * @returns a function that takes a tool and gives one of the same type.
 * @throws CountersignError `CONFIG_INVALID` for a tool without `execute`: it runs where no gate is.
 */
export function governTool<Values = unknown>(
  options: GovernToolOptions<Values>,
): <T extends MastraTool>(tool: T) => T {
  return <T extends MastraTool>(tool: T): T => {
    // A tool is an instance of a class of Mastra's, and has to stay one.
    const copy = Object.create(
      Object.getPrototypeOf(tool) as object | null,
      Object.getOwnPropertyDescriptors(tool),
    ) as T;
    return Object.assign(copy, { execute: gatedExecute(options, tool) });
  };
}

function gatedExecute<Values>(options: GovernToolOptions<Values>, tool: MastraTool): Execute {
  const execute = tool.execute?.bind(tool) as Execute | undefined;
  if (execute === undefined) {
    throw new CountersignError(
      'CONFIG_INVALID',
      `The tool “${tool.id}” has no execute: nothing of it runs here.`,
    );
  }
  const gate = governed(options);
  const asked = { tool: tool.id, definition: definitionOf(tool) };
  return async (input, given = {}) => {
    const context = given as MastraContext<Values>;
    const ended = await gate.run(
      {
        ...asked,
        arguments: input,
        toolCallId: context.agent?.toolCallId,
        from: context,
        signal: context.abortSignal,
      },
      (args, signal) => lending(context, signal, () => execute(args, context)),
    );
    await writeEnvelopes(context, ended);
    return resultOf(ended);
  };
}

/**
 * Calls a tool with the signal that ends with its permit. Mastra keeps note of the very context object, whether its input was
 * validated, and copies it before the tool's own code runs: so the signal is lent to it for as long as that takes.
 */
function lending<T>(context: { abortSignal?: AbortSignal }, signal: AbortSignal, execute: () => T): T {
  const had = Object.getOwnPropertyDescriptor(context, 'abortSignal');
  context.abortSignal = signal;
  try {
    return execute();
  } finally {
    if (had) Object.defineProperty(context, 'abortSignal', had);
    else delete context.abortSignal;
  }
}

/** For whoever reads the run's stream. It is in no message: what is transient is not stored, and no model sees it. */
async function writeEnvelopes<Values>(
  context: MastraContext<Values>,
  ended: RunResult<unknown>,
): Promise<void> {
  const data = { toolCallId: context.agent?.toolCallId, callId: ended.callId, ...metaOf(ended) };
  try {
    await context.writer?.custom({ type: 'data-countersign', data, transient: true });
  } catch {
    // Nobody reads any more. What has run is reported, and the tool's result is the result.
  }
}

/** The schema as Mastra tells it to models. */
function definitionOf({ id, description, inputSchema }: MastraTool): JsonObject {
  const schema = inputSchema === undefined ? undefined : toStandardSchema(inputSchema as PublicSchema);
  return definitionFrom({
    name: id,
    description,
    inputSchema: schema && standardSchemaToJSONSchema(schema, { io: 'input' }),
  });
}
