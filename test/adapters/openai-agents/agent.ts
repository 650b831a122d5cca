import { Agent, Runner, tool, type FunctionTool, type RunContext, type Tool } from '@openai/agents';
import { governTool, noteFailures } from '../../../adapters/openai-agents/index.ts';
import type { JsonObject } from '../../../src/call/json.ts';
import type { GovernOptions } from '../../../src/client/governed.ts';
import type { Ran, Run, ToolSpec } from '../contract.ts';
import { scriptedModel } from './scripted-model.ts';
import { newTrace } from './traces.ts';

/** What a run of these tests is given. A function is in no JSON: neither in a stored run nor in a trace. */
export interface Office {
  readonly humanToken: () => string | undefined;
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
  };
}

export function sdkTool({ name, description, parameters, execute }: ToolSpec): Tool<Office> {
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
    execute: (args, _context?: RunContext<Office>, details?) => execute(args as JsonObject, details?.signal),
    errorFunction: noteFailures((_context, error) => String(error)),
  });
}

/** The SDK's own loop, with its stored run and its events as far as it has them. */
export async function runAgent(run: Run, stream: boolean): Promise<Ran> {
  const { tools, calls, humanToken, signal } = run;
  const model = scriptedModel(calls);
  const govern = governTool(optionsOf(run));
  const agent = new Agent<Office>({
    name: 'Clerk',
    model,
    tools: tools.map((spec) => govern(sdkTool(spec) as OfficeTool)),
  });
  const { traceId, told } = newTrace();
  const runner = new Runner({ traceId });
  const options = { context: { humanToken: () => humanToken }, ...(signal && { signal }) };
  const events: unknown[] = [];
  if (!stream) {
    const { state } = await runner.run(agent, 'Note it.', options);
    return { told: model.told(), traces: [told(), state.toString()].join('\n') };
  }
  const result = await runner.run(agent, 'Note it.', { ...options, stream: true });
  for await (const event of result) events.push(event);
  await result.completed;
  return { told: model.told(), traces: [told(), result.state.toString(), JSON.stringify(events)].join('\n') };
}
