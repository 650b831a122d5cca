import { uuidv7 } from '../call/uuid.ts';
import type { JsonObject } from '../call/json.ts';
import { CountersignError } from '../errors.ts';
import { argumentSchema, type StandardSchema } from './argument-schema.ts';
import { resultOf } from './call-refused.ts';
import { denialOfThrown } from './denial.ts';
import type { CallOptions, GateClient, RunResult } from './gate-client.ts';
import { governed, type GovernOptions } from './governed.ts';

/** What a function is to policy. `Input` is what it is called with, `Args` what its schema makes of that. */
export interface FunctionSpec<Input, Args> extends Pick<
  GovernOptions<FunctionOptions>,
  'request' | 'onVerdict' | 'onEnd' | 'settleWithin'
> {
  /** `server/tool`: what the application calls itself, and the function. */
  readonly tool: string;
  readonly description?: string;
  /**
   * A schema of zod, Valibot and their like (Standard Schema), or a JSON Schema 2020-12. What validation makes of the arguments,
   * defaults included, is what is decided on. Without one any object will do.
   */
  readonly schema?: StandardSchema<Input, Args> | JsonObject;
}

/** What is said beside the arguments of one call. */
export interface FunctionOptions extends CallOptions {
  /** What the person asked for, in their words: `lastUserText(messages)`. It goes before what the spec's `request` says. */
  readonly request?: string;
}

export interface GovernedFunction<Input, Result> {
  /**
   * @throws CallRefusedError when it was denied, or ran and could not be recorded; whatever the function throws itself.
   */
  (args: Input, options?: FunctionOptions): Promise<Result>;
  /** The same with everything that there is to know of it. Never rejects. */
  run(args: Input, options?: FunctionOptions): Promise<RunResult<Result>>;
}

export interface FunctionContext {
  readonly callId: string;
  /** Aborted when the caller has gone or the permit has ended. */
  readonly signal: AbortSignal;
}

/** Puts a gate in front of a function: it runs once a signed ALLOW for exactly these arguments is in the log, and not otherwise. */
export function govern<Input extends object, Result, Args = Input>(
  gate: GateClient,
  spec: FunctionSpec<Input, Args>,
  execute: (args: Args, context: FunctionContext) => Result | Promise<Result>,
): GovernedFunction<Input, Result> {
  const [server, tool] = partsOf(spec.tool);
  const { description, request, settleWithin, onVerdict, onEnd } = spec;
  const schema = argumentSchema(spec.schema);
  const { inputSchema } = schema;
  const definition = { name: tool, ...(description && { description }), ...(inputSchema && { inputSchema }) };
  const { ask } = governed<FunctionOptions>({
    gate,
    server,
    identity: (options) => options,
    request: (options) => options.request ?? request?.(options),
    ...(settleWithin !== undefined && { settleWithin }),
    ...(onVerdict && { onVerdict }),
    ...(onEnd && { onEnd }),
  });

  const run = async (given: Input, options: FunctionOptions = {}): Promise<RunResult<Result>> => {
    let args: JsonObject;
    try {
      args = await schema.check(given);
    } catch (error) {
      return { kind: 'denied', callId: uuidv7(Date.now()), denial: denialOfThrown(error) };
    }
    const asked = await ask({
      tool,
      definition,
      arguments: args,
      from: options,
      signal: options.signal,
    });
    if (asked.kind === 'denied') return asked;
    const { callId } = asked;
    return asked.run(async (decided, signal) => execute(decided as Args, { callId, signal }));
  };
  return Object.assign(async (args: Input, options?: FunctionOptions) => resultOf(await run(args, options)), {
    run,
  });
}

function partsOf(name: string): readonly [server: string, tool: string] {
  const at = name.indexOf('/');
  if (at < 1 || at === name.length - 1)
    throw new CountersignError('CONFIG_INVALID', `“${name}” names no tool: write server/tool.`);
  return [name.slice(0, at), name.slice(at + 1)];
}
