import type { FunctionTool, RunContext } from '@openai/agents';

/** What the SDK hands a tool beside its input: the model's call, and a signal. */
export type ToolCallDetails = NonNullable<Parameters<FunctionTool['invoke']>[2]>;

type ErrorFunction<Context> = (
  context: RunContext<Context>,
  error: unknown,
  details?: ToolCallDetails,
) => Promise<string> | string;

/**
 * What the SDK tells the model of a tool that threw, unless the tool has an `errorFunction`. By then the error is gone: this text
 * is all that is left of it.
 */
const defaultText = 'An error occurred while running the tool. Please try again.';

const listener = Symbol('countersign.noteFailure');

interface NotedDetails extends ToolCallDetails {
  readonly [listener]?: ((error: unknown) => void) | undefined;
}

/**
 * For `errorFunction` of a tool that is governed: the SDK makes text of what a tool throws before anybody else sees it, and the
 * outcome would be recorded as an execution that gave that text. With this it is recorded as failed, with the error.
 *
 * @param errorFunction What the model is told; the SDK's own sentence unless given.
 */
export function noteFailures<Context = unknown>(
  errorFunction: ErrorFunction<Context> = () => defaultText,
): ErrorFunction<Context> {
  return (context, error, details: NotedDetails | undefined) => {
    const note = details?.[listener];
    note?.(error);
    return errorFunction(context, error, details);
  };
}

/** A tool that threw, and what its `errorFunction` made of it. */
export interface ToldFailure {
  readonly error: unknown;
  readonly told: unknown;
}

/**
 * Invokes a tool as the SDK does.
 *
 * @returns what it gave. What it threw rejects, also when the SDK made text of it; `onTold` takes that text.
 */
export async function invokeNoting(
  invoke: (details: ToolCallDetails) => Promise<unknown>,
  details: ToolCallDetails | undefined,
  signal: AbortSignal,
  onTold: (failure: ToldFailure) => void,
): Promise<unknown> {
  const thrown: unknown[] = [];
  const given = await invoke(
    withOwn(details, { signal, [listener]: (error: unknown) => thrown.push(error) }),
  );
  if (thrown.length === 0 && given === defaultText) thrown.push(new Error('The tool threw an error.'));
  if (thrown.length === 0) return given;
  onTold({ error: thrown[0], told: given });
  throw thrown[0];
}

/** The same details with some of them replaced. What the SDK hangs on them for itself is not enumerable, and goes along. */
function withOwn(details: ToolCallDetails = {}, own: object): ToolCallDetails {
  const descriptors = {
    ...Object.getOwnPropertyDescriptors(details),
    ...Object.getOwnPropertyDescriptors(own),
  };
  return Object.create(Object.getPrototypeOf(details) as object | null, descriptors) as ToolCallDetails;
}
