import * as ai7 from 'ai';
import * as ai6 from 'ai-v6';
import { governTools, lastUserText, type ToolCallInfo } from '../../../adapters/ai/index.ts';
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
    request: ({ messages }: ToolCallInfo) => lastUserText(messages),
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

function toolsOf6({ tools, confirm }: Run) {
  return Object.fromEntries(
    tools.map((spec) => [
      spec.name,
      ai6.dynamicTool({
        description: spec.description,
        inputSchema: ai6.jsonSchema(structuredClone(spec.parameters) as unknown as ai6.JSONSchema7),
        execute: executeOf(spec),
        ...(confirm !== undefined && { needsApproval: true }),
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

const promptOf = ({ says = 'Please.' }: Run): string => says;

async function generate6(run: Run): Promise<Ran> {
  const traces = createTraces();
  const model = modelOf6(run.calls);
  const { tools } = governTools(
    toolsOf6(run),
    optionsOf(run, (from) => from.experimental_context),
  );
  const generate = (messages: ai6.ModelMessage[]) =>
    ai6.generateText({
      model,
      tools,
      messages,
      stopWhen: ai6.stepCountIs(5),
      experimental_context: personOf(run),
      experimental_telemetry: { isEnabled: true, tracer: tracerOf(traces) },
      ...(run.signal && { abortSignal: run.signal }),
    });
  const messages: ai6.ModelMessage[] = [{ role: 'user', content: promptOf(run) }];
  let result = await generate(messages);
  const approvals = approvalsOf(result.content, run);
  if (approvals.length > 0) {
    messages.push(...result.response.messages, { role: 'tool', content: [...approvals] });
    result = await generate(messages);
  }
  traces.note(result.steps, result.response.messages, model.doGenerateCalls);
  return {
    told: toldTo(model.doGenerateCalls),
    questions: approvals.length,
    traces: traces.text(),
  };
}

interface Approval {
  readonly type: 'tool-approval-response';
  readonly approvalId: string;
  readonly approved: boolean;
}

/** What the person says to everything that they are asked. */
function approvalsOf(content: readonly object[], { confirm }: Run): readonly Approval[] {
  if (confirm === undefined) return [];
  const requests = content.filter(
    (part): part is { type: string; approvalId: string } =>
      'type' in part && part.type === 'tool-approval-request' && !('isAutomatic' in part),
  );
  return requests.map(({ approvalId }) => ({
    type: 'tool-approval-response',
    approvalId,
    approved: confirm,
  }));
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
  const result = await agent.stream({
    prompt: promptOf(run),
    ...(run.signal && { abortSignal: run.signal }),
  });
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
  const result = await agent.generate({
    prompt: promptOf(run),
    ...(run.signal && { abortSignal: run.signal }),
  });
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
  const stream = async (messages: ai7.ModelMessage[]) => {
    const result = ai7.streamText({
      model,
      tools,
      toolApproval,
      messages,
      stopWhen: ai7.stepCountIs(5),
      toolsContext: contextOf7(run),
      telemetry: telemetryOf7(traces),
      ...(run.signal && { abortSignal: run.signal }),
    });
    for await (const part of result.stream) traces.note(part);
    traces.note(await result.steps);
    return result;
  };
  const messages: ai7.ModelMessage[] = [{ role: 'user', content: promptOf(run) }];
  const first = await stream(messages);
  const approvals = approvalsOf(await first.content, run);
  if (approvals.length > 0) {
    const { response } = await first.finalStep;
    await stream([...messages, ...response.messages, { role: 'tool', content: [...approvals] }]);
  }
  traces.note(model.doStreamCalls);
  return { told: toldTo(model.doStreamCalls), questions: approvals.length, traces: traces.text() };
}

const lacks = { confirmation: 'An agent asks its person as generateText and streamText do.' };

export const drivers: readonly AdapterDriver[] = [
  { name: 'AI SDK 6, generateText', run: generate6 },
  { name: 'AI SDK 6, ToolLoopAgent streaming', run: agent6, lacks },
  { name: 'AI SDK 7, ToolLoopAgent', run: agent7, lacks },
  { name: 'AI SDK 7, streamText with toolApproval', run: stream7 },
];
