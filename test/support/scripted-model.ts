/** Stand-ins on loopback for the models that Codex and Gemini CLI speak to: each asks for one tool once, and then says “done”. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import type { JsonObject } from '../../src/call/json.ts';

export interface ScriptedModel extends AsyncDisposable {
  readonly url: string;
  /** What the model was told of its tool call, as text; undefined while it was told nothing. */
  told(): string | undefined;
}

export interface ModelCall {
  readonly name: string;
  readonly input: JsonObject;
}

/** OpenAI's Responses API, as far as Codex asks of it. */
export function startResponsesApi({ name, input }: ModelCall): Promise<ScriptedModel> {
  let told: string | undefined;
  return start(
    (path, body, response) => {
      if (!path.endsWith('/responses')) return json(response, { data: [], models: [] });
      const { input: said } = JSON.parse(body) as { input: readonly { type: string; output?: unknown }[] };
      const output = said.find(({ type }) => type === 'function_call_output')?.output;
      if (output !== undefined) told = typeof output === 'string' ? output : JSON.stringify(output);
      const item =
        output === undefined
          ? { type: 'function_call', id: 'fc_1', call_id: 'call_1', name, arguments: JSON.stringify(input) }
          : {
              type: 'message',
              id: 'msg_1',
              role: 'assistant',
              content: [{ type: 'output_text', text: 'done' }],
            };
      const usage = { input_tokens: 1, output_tokens: 1, total_tokens: 2 };
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      for (const event of [
        { type: 'response.created', response: { id: 'resp_1' } },
        { type: 'response.output_item.done', output_index: 0, item },
        { type: 'response.completed', response: { id: 'resp_1', usage } },
      ])
        response.write(`event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`);
      response.end();
    },
    () => told,
  );
}

/** Gemini's API, as far as Gemini CLI asks of it. */
export function startGeminiApi({ name, input }: ModelCall): Promise<ScriptedModel> {
  let told: string | undefined;
  return start(
    (path, body, response) => {
      // What it asks beside the conversation it does without.
      if (!path.includes(':streamGenerateContent')) return json(response, { totalTokens: 1 });
      const { contents = [] } = JSON.parse(body) as {
        contents?: readonly { parts?: readonly { functionResponse?: { response?: unknown } }[] }[];
      };
      const answered = contents
        .flatMap(({ parts = [] }) => parts)
        .find(({ functionResponse }) => functionResponse !== undefined)?.functionResponse;
      if (answered !== undefined) told = JSON.stringify(answered.response);
      const part = answered === undefined ? { functionCall: { name, args: input } } : { text: 'done' };
      const answer = {
        candidates: [{ content: { role: 'model', parts: [part] }, finishReason: 'STOP', index: 0 }],
        usageMetadata: { promptTokenCount: 1, candidatesTokenCount: 1, totalTokenCount: 2 },
      };
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.end(`data: ${JSON.stringify(answer)}\n\n`);
    },
    () => told,
  );
}

type Answer = (path: string, body: string, response: ServerResponse) => void;

async function start(answer: Answer, told: ScriptedModel['told']): Promise<ScriptedModel> {
  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> =>
    answer(request.url ?? '/', await text(request), response);
  const server = createServer(
    (request, response) => void handle(request, response).catch(() => response.destroy()),
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    told,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function json(response: ServerResponse, value: object): void {
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(value));
}
