import { Agent, Runner, tool, user, type FunctionTool, type RunContext, type Tool } from '@openai/agents';
import { governTool, lastUserText, noteFailures } from '../../../adapters/openai-agents/index.ts';
import type { JsonObject } from '../../../src/call/json.ts';
import type { GovernOptions } from '../../../src/client/governed.ts';
import type { Ran, Run, ToolSpec } from '../contract.ts';
import { scriptedModel } from './scripted-model.ts';
import { newTrace } from './traces.ts';

/** What a run of these tests is given. A function is in no JSON: neither in a stored run nor in a trace. */
export interface Office {
  readonly humanToken: () => string | undefined;
  /** What the run was begun with: the SDK hands it to no tool. */
  readonly input?: readonly unknown[];
}

export type OfficeTool = FunctionTool<Office, never>;

export function optionsOf({ gate, server, onVerdict, onEnd }: Run): GovernOptions<RunContext<Office>> {
  return {
    gate,
    server,
    onVerdict,
    onEnd,
    identity: ({ context }) => {
      const humanToken = context.humanToken();
      return humanToken === undefined ? undefined : { humanToken };
    },
    request: ({ context }) => lastUserText(context.input),
  };
}

export function sdkTool(
  { name, description, parameters, execute }: ToolSpec,
  needsApproval = false,
): Tool<Office> {
  return tool({
    name,
    description,
    parameters: {
      ...parameters,
      properties: { ...parameters.properties },
      required: [...parameters.required],
      additionalProperties: true,
    },
    strict: false,
    needsApproval,
    execute: (args, _context?: RunContext<Office>, details?) => execute(args as JsonObject, details?.signal),
    errorFunction: noteFailures((_context, error) => String(error)),
  });
}

/** The SDK's own loop, with its stored run and its events as far as it has them. */
export async function runAgent(run: Run, stream: boolean): Promise<Ran> {
  const { tools, calls, humanToken, says = 'Note it.', signal, confirm } = run;
  const model = scriptedModel(calls);
  const govern = governTool<Office>({
    ...optionsOf(run),
    ...(confirm !== undefined && !stream && { confirmations: 'interrupt' }),
  });
  const agent = new Agent<Office>({
    name: 'Clerk',
    model,
    tools: tools.map((spec) => govern(sdkTool(spec, confirm !== undefined && stream) as OfficeTool)),
  });
  const { traceId, told } = newTrace();
  const runner = new Runner({ traceId });
  const input = [user(says)];
  const options = { context: { humanToken: () => humanToken, input }, ...(signal && { signal }) };
  const events: unknown[] = [];
  if (!stream) {
    let { state, interruptions } = await runner.run(agent, input, options);
    let questions = 0;
    while (interruptions.length > 0) {
      questions += interruptions.length;
      for (const each of interruptions) {
        if (confirm) state.approve(each);
        else state.reject(each);
      }
      ({ state, interruptions } = await runner.run(agent, state, options));
    }
    return { told: model.told(), questions, traces: [told(), state.toString()].join('\n') };
  }
  const follow = async (input: Parameters<typeof runner.run<typeof agent, Office>>[1]) => {
    const result = await runner.run(agent, input, { ...options, stream: true });
    for await (const event of result) events.push(event);
    await result.completed;
    return result;
  };
  let result = await follow(input);
  let questions = 0;
  while (result.interruptions.length > 0) {
    questions += result.interruptions.length;
    for (const each of result.interruptions) {
      if (confirm) result.state.approve(each);
      else result.state.reject(each);
    }
    result = await follow(result.state);
  }
  return {
    told: model.told(),
    questions,
    traces: [told(), result.state.toString(), JSON.stringify(events)].join('\n'),
  };
}
