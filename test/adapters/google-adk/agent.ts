import { AsyncLocalStorage } from 'node:async_hooks';
import {
  BaseLlm,
  BaseTool,
  InMemoryRunner,
  LlmAgent,
  LogLevel,
  maybeSetOtelProviders,
  setLogLevel,
} from '@google/adk';
import type { BaseLlmConnection, BasePlugin, Event, LlmRequest, LlmResponse, Runner } from '@google/adk';
import type { Delegator } from '../../../src/adapter.ts';
import type { JsonObject } from '../../../src/call/json.ts';
import type { ModelCall, ToolSpec } from '../contract.ts';

/** ADK's own agents and runner, with a model that is a script. */

type Declaration = ReturnType<BaseTool['_getDeclaration']>;
type ToolRequest = Parameters<BaseTool['runAsync']>[0];
export type AgentTools = ConstructorParameters<typeof LlmAgent>[0]['tools'];

/** Makes the calls in its first answer, and says “done” in each one after that. */
export class ScriptedModel extends BaseLlm {
  readonly requests: LlmRequest[] = [];
  readonly #calls: readonly ModelCall[];

  constructor(calls: readonly ModelCall[]) {
    super({ model: 'gemini-2.5-flash' });
    this.#calls = calls;
  }

  override async *generateContentAsync(request: LlmRequest): AsyncGenerator<LlmResponse, void> {
    this.requests.push(request);
    const parts = this.#calls.map((call) => ({ functionCall: structuredClone(call) }));
    const content = this.requests.length > 1 ? [{ text: 'done' }] : parts;
    yield { content: { role: 'model', parts: content } };
  }

  override connect(): Promise<BaseLlmConnection> {
    throw new Error('These tests have no live model.');
  }
}

/** The plainest tool that ADK knows. */
export class SpecTool extends BaseTool {
  readonly #spec: ToolSpec;

  constructor(spec: ToolSpec) {
    super(spec);
    this.#spec = spec;
  }

  override _getDeclaration(): Declaration {
    const { name, description, parameters } = this.#spec;
    return { name, description, parametersJsonSchema: parameters };
  }

  override runAsync({ args, toolContext }: ToolRequest): Promise<JsonObject> {
    return this.#spec.execute(args as JsonObject, toolContext.abortSignal);
  }
}

/** For whom the run is that is going on: ADK's own contexts have no place for it that is not stored. */
const person = new AsyncLocalStorage<Delegator>();
export const identity = (): Delegator | undefined => person.getStore();

export interface AgentRun {
  readonly tools: AgentTools;
  readonly calls: readonly ModelCall[];
  readonly humanToken?: string | undefined;
  readonly says?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly plugins?: BasePlugin[];
  /** What the person says to ADK's request for a confirmation. */
  readonly confirm?: boolean | undefined;
}

export interface AgentRan {
  readonly events: readonly Event[];
  readonly told: ReadonlyMap<string, string>;
  readonly traces: string;
  readonly questions: number;
  readonly model: ScriptedModel;
}

setLogLevel(LogLevel.ERROR);

const spans: unknown[] = [];
maybeSetOtelProviders([
  {
    spanProcessors: [
      {
        onStart: () => undefined,
        onEnd: ({ name, attributes, events }) => void spans.push({ name, attributes, events }),
        forceFlush: () => Promise.resolve(),
        shutdown: () => Promise.resolve(),
      },
    ],
  },
]);

export async function runAgent(run: AgentRun): Promise<AgentRan> {
  const { tools = [], calls, humanToken, says = 'Add a note.', signal, plugins = [], confirm } = run;
  const model = new ScriptedModel(calls);
  const runner = new InMemoryRunner({ agent: new LlmAgent({ name: 'clerk', model, tools }), plugins });
  const sessionId = await newSession(runner);
  const say = (said: Parameters<typeof talk>[2]) =>
    person.run(humanToken === undefined ? {} : { humanToken }, () => talk(runner, sessionId, said, signal));
  const events = await say(says);
  const requests = events
    .flatMap(({ content }) => content?.parts ?? [])
    .flatMap(({ functionCall }) => (functionCall?.name === 'adk_request_confirmation' ? [functionCall] : []));
  if (confirm !== undefined && requests.length > 0) {
    const response = { confirmed: confirm };
    const answers = requests.map(({ id = '', name = '' }) => ({ functionResponse: { id, name, response } }));
    events.push(...(await say(answers)));
  }
  const session = await runner.sessionService.getSession({
    appName: runner.appName,
    userId: 'anna',
    sessionId,
  });
  return {
    events,
    told: new Map(
      events.flatMap(responses).map(({ id, response }) => [id ?? '', JSON.stringify(response)] as const),
    ),
    traces: JSON.stringify({ events, session, spans, asked: model.requests.map(({ contents }) => contents) }),
    questions: requests.length,
    model,
  };
}

export async function newSession({ appName, sessionService }: Runner): Promise<string> {
  return (await sessionService.createSession({ appName, userId: 'anna' })).id;
}

export async function talk(
  runner: Runner,
  sessionId: string,
  said: string | readonly JsonObject[],
  abortSignal?: AbortSignal,
): Promise<Event[]> {
  const newMessage = { role: 'user', parts: typeof said === 'string' ? [{ text: said }] : [...said] };
  const events: Event[] = [];
  const run = runner.runAsync({ userId: 'anna', sessionId, newMessage, ...(abortSignal && { abortSignal }) });
  for await (const event of run) events.push(event);
  return events;
}

export function responses({ content }: Event): { id?: string; name?: string; response?: unknown }[] {
  return (content?.parts ?? []).flatMap(({ functionResponse }) =>
    functionResponse === undefined ? [] : [functionResponse],
  );
}
