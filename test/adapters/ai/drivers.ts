import * as ai7 from 'ai';
import * as ai6 from 'ai-v6';
import { governTools, type ToolCallInfo } from '../../../adapters/ai/index.ts';
import type { Delegator } from '../../../src/adapter.ts';
import type { JsonObject } from '../../../src/call/json.ts';
import type { AdapterDriver, Ran, Run, ToolSpec } from '../contract.ts';
import { modelOf6, modelOf7, toldTo } from './scripted-model.ts';
import { createTraces, integrationOf, tracerOf, type Traces } from './traces.ts';

/** The contract's run, in each way that both versions of the SDK have of running an agent. */

/** A function, so that whatever prints a context prints no token. */
interface Person {
  readonly token: () => string | undefined;
}

const personOf = ({ humanToken }: Run): Person => ({ token: () => humanToken });

function delegatorOf(person: unknown): Delegator {
  const humanToken = (person as Person | undefined)?.token();
  return humanToken === undefined ? {} : { humanToken };
}

function optionsOf({ gate, server, onVerdict, onEnd }: Run, person: (from: ToolCallInfo) => unknown) {
  return {
    gate,
    server,
    onVerdict,
    onEnd,
    identity: (from: ToolCallInfo) => delegatorOf(person(from)),
  };
}

type ExecuteSpec = (
  input: unknown,
  info: { readonly abortSignal?: AbortSignal },
) => Promise<JsonObject> | AsyncGenerator<JsonObject>;

function executeOf({ execute, parts }: ToolSpec): ExecuteSpec {
  return parts === undefined
    ? (input, { abortSignal }) => execute(input as JsonObject, abortSignal)
    : async function* (input) {
        yield* parts(input as JsonObject);
      };
}

function toolsOf6({ tools }: Run) {
  return Object.fromEntries(
    tools.map((spec) => [
      spec.name,
      ai6.dynamicTool({
        description: spec.description,
        inputSchema: ai6.jsonSchema(structuredClone(spec.parameters) as unknown as ai6.JSONSchema7),
        execute: executeOf(spec),
      }),
    ]),
  );
}

function toolsOf7({ tools }: Run) {
  return Object.fromEntries(
    tools.map((spec) => [
      spec.name,
      ai7.tool({
        description: spec.description,
        inputSchema: ai7.jsonSchema<JsonObject>(
          structuredClone(spec.parameters) as unknown as ai7.JSONSchema7,
        ),
        contextSchema: ai7.jsonSchema<Pick<Person, 'token'>>({ type: 'object' }),
        execute: executeOf(spec),
      }),
    ]),
  );
}

const prompt = 'Please.';

async function generate6(run: Run): Promise<Ran> {
  const traces = createTraces();
  const model = modelOf6(run.calls);
  const { tools } = governTools(
    toolsOf6(run),
    optionsOf(run, (from) => from.experimental_context),
  );
  const result = await ai6.generateText({
    model,
    tools,
    prompt,
    stopWhen: ai6.stepCountIs(5),
    experimental_context: personOf(run),
    experimental_telemetry: { isEnabled: true, tracer: tracerOf(traces) },
    ...(run.signal && { abortSignal: run.signal }),
  });
  traces.note(result.steps, result.response.messages, model.doGenerateCalls);
  return { told: toldTo(model.doGenerateCalls), traces: traces.text() };
}

async function agent6(run: Run): Promise<Ran> {
  const traces = createTraces();
  const model = modelOf6(run.calls);
  const { tools } = governTools(
    toolsOf6(run),
    optionsOf(run, (from) => from.experimental_context),
  );
  const agent = new ai6.ToolLoopAgent({
    model,
    tools,
    experimental_context: personOf(run),
    experimental_telemetry: { isEnabled: true, tracer: tracerOf(traces) },
  });
  const result = await agent.stream({ prompt, ...(run.signal && { abortSignal: run.signal }) });
  for await (const part of result.fullStream) traces.note(part);
  traces.note(await result.steps, model.doStreamCalls);
  return { told: toldTo(model.doStreamCalls), traces: traces.text() };
}

const contextOf7 = (run: Run) => Object.fromEntries(run.tools.map(({ name }) => [name, personOf(run)]));

const telemetryOf7 = (traces: Traces) => ({ isEnabled: true, integrations: [integrationOf(traces)] });

async function agent7(run: Run): Promise<Ran> {
  const traces = createTraces();
  const model = modelOf7(run.calls);
  const { tools } = governTools(
    toolsOf7(run),
    optionsOf(run, (from) => from.context),
  );
  const agent = new ai7.ToolLoopAgent({
    model,
    tools,
    toolsContext: contextOf7(run),
    telemetry: telemetryOf7(traces),
  });
  const result = await agent.generate({ prompt, ...(run.signal && { abortSignal: run.signal }) });
  traces.note(result.steps, result.finalStep.response, model.doGenerateCalls);
  return { told: toldTo(model.doGenerateCalls), traces: traces.text() };
}

async function stream7(run: Run): Promise<Ran> {
  const traces = createTraces();
  const model = modelOf7(run.calls);
  const { tools, toolApproval } = governTools(
    toolsOf7(run),
    optionsOf(run, (from) => from.context),
  );
  const result = ai7.streamText({
    model,
    tools,
    toolApproval,
    prompt,
    stopWhen: ai7.stepCountIs(5),
    toolsContext: contextOf7(run),
    telemetry: telemetryOf7(traces),
    ...(run.signal && { abortSignal: run.signal }),
  });
  for await (const part of result.stream) traces.note(part);
  traces.note(await result.steps, model.doStreamCalls);
  return { told: toldTo(model.doStreamCalls), traces: traces.text() };
}

export const drivers: readonly AdapterDriver[] = [
  { name: 'AI SDK 6, generateText', run: generate6 },
  { name: 'AI SDK 6, ToolLoopAgent streaming', run: agent6 },
  { name: 'AI SDK 7, ToolLoopAgent', run: agent7 },
  { name: 'AI SDK 7, streamText with toolApproval', run: stream7 },
];
