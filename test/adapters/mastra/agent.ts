import { Agent, type AgentConfig, type ToolsInput } from '@mastra/core/agent';
import { Mastra } from '@mastra/core/mastra';
import { RequestContext } from '@mastra/core/request-context';
import { InMemoryStore } from '@mastra/core/storage';
import { createTool } from '@mastra/core/tools';
import { governTools, lastUserText, type GovernToolOptions } from '../../../adapters/mastra/index.ts';
import type { JsonObject } from '../../../src/call/json.ts';
import type { Ran, Run, ToolSpec } from '../contract.ts';
import { Recorder } from './recorder.ts';
import { scriptedModel, type ScriptedModel } from './scripted-model.ts';

/** What a run of these tests carries along. A function is in no JSON: neither in a span nor in a stored run. */
export interface Office {
  readonly humanToken: () => string | undefined;
}

export function optionsOf({ gate, server, onVerdict, onEnd }: Run): GovernToolOptions<Office> {
  return {
    gate,
    server,
    onVerdict,
    onEnd,
    identity: ({ requestContext }) => {
      const humanToken = requestContext?.get('humanToken')();
      return humanToken === undefined ? undefined : { humanToken };
    },
    request: ({ agent }) => lastUserText(agent?.messages),
  };
}

export function mastraTool({ name, description, parameters, execute }: ToolSpec) {
  return createTool({
    id: name,
    description,
    inputSchema: {
      ...parameters,
      properties: { ...parameters.properties },
      required: [...parameters.required],
    },
    execute: (input, { abortSignal }) => execute(input as JsonObject, abortSignal),
  });
}

/** An agent in a Mastra that traces and stores whatever Mastra traces and stores. */
export function office(tools: ToolsInput, scripted: ScriptedModel) {
  // The mock is of the AI SDK's types; Mastra has a copy of its own.
  const model = scripted.model as unknown as AgentConfig['model'];
  const recorder = new Recorder();
  const storage = new InMemoryStore();
  const clerk = new Agent({
    id: 'clerk',
    name: 'Clerk',
    instructions: 'You take notes.',
    model,
    tools,
  });
  const mastra = new Mastra({ agents: { clerk }, storage, observability: recorder, logger: false });
  return { agent: mastra.getAgent('clerk'), recorder, storage };
}

export async function runAgent(run: Run, isStream: boolean): Promise<Ran> {
  const { tools, calls, humanToken, says = 'Note it.', signal } = run;
  const model = scriptedModel(calls);
  const all = Object.fromEntries(tools.map((spec) => [spec.name, mastraTool(spec)]));
  const { agent, recorder } = office(governTools(all, optionsOf(run)), model);
  const requestContext = new RequestContext<Office>([['humanToken', () => humanToken]]);
  const options = { requestContext, ...(signal && { abortSignal: signal }) };
  const seen: unknown[] = [];
  if (isStream) {
    const { fullStream } = await agent.stream(says, options);
    for await (const chunk of fullStream) seen.push(chunk);
  } else {
    const { steps, text } = await agent.generate(says, options);
    seen.push(steps, text);
  }
  return { told: model.told(), traces: [recorder.told, JSON.stringify(seen)].join('\n') };
}
