/**
 * A stand-in for the Messages API on loopback, for programs that speak to a model of Anthropic: its model is a script. The real
 * Claude Code runs against it without a network, see `claude-code.ts`.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import type { JsonObject } from '../../src/call/json.ts';

export type Block =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'tool_use'; readonly id: string; readonly name: string; readonly input: JsonObject };

/** A request to `/v1/messages`, as far as tests look. */
export interface MessagesRequest {
  readonly stream?: boolean;
  readonly model: string;
  readonly system?: unknown;
  readonly messages: readonly { readonly role: string; readonly content: unknown }[];
  readonly tools?: readonly { readonly name: string; readonly type?: string }[];
}

/**
 * What the model answers: its n-th list in a conversation's n-th turn, “done” after the last one. Or a function, for
 * conversations that must be told apart (sub-agents). Requests without tools, such as that for a title, are answered “done”.
 */
export type Script =
  | readonly (readonly Block[])[]
  | ((request: MessagesRequest, turn: number) => readonly Block[]);

export interface AnthropicApi {
  readonly url: string;
  /** All that the model was asked so far, in order. */
  requests(): readonly MessagesRequest[];
  /** What the model was told of each tool call, by the call's id, as text. */
  told(): ReadonlyMap<string, string>;
  close(): Promise<void>;
}

export async function startAnthropicApi(script: Script): Promise<AnthropicApi> {
  const asked: MessagesRequest[] = [];
  const server = createServer((request, response) => {
    void answer(request, response, script, asked).catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    requests: () => asked,
    told: () => toolResults(asked),
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

export function toolUse(id: string, name: string, input: JsonObject): Block {
  return { type: 'tool_use', id, name, input };
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  script: Script,
  asked: MessagesRequest[],
): Promise<void> {
  const body = await text(request);
  const { pathname } = new URL(request.url ?? '/', 'http://127.0.0.1');
  if (request.method === 'POST' && pathname === '/v1/messages') {
    const said = JSON.parse(body) as MessagesRequest;
    asked.push(said);
    const blocks = blocksFor(script, said);
    if (said.stream) stream(response, said.model, blocks);
    else json(response, messageOf(said.model, blocks));
    return;
  }
  if (pathname === '/v1/messages/count_tokens') return json(response, { input_tokens: 1 });
  if (pathname === '/v1/models') return json(response, { data: [], has_more: false });
  // Whatever else a client asks for at its start (settings, features, telemetry) it does without.
  json(response, {});
}

const done: readonly Block[] = [{ type: 'text', text: 'done' }];

function blocksFor(script: Script, request: MessagesRequest): readonly Block[] {
  if (!request.tools?.length) return done;
  const turn = request.messages.filter(({ role }) => role === 'assistant').length;
  return (typeof script === 'function' ? script(request, turn) : script[turn]) ?? done;
}

function messageOf(model: string, content: readonly Block[]): object {
  const stopReason = content.some(({ type }) => type === 'tool_use') ? 'tool_use' : 'end_turn';
  const usage = { input_tokens: 1, output_tokens: 1 };
  const id = `msg_${crypto.randomUUID()}`;
  return {
    id,
    type: 'message',
    role: 'assistant',
    model,
    content,
    stop_reason: stopReason,
    stop_sequence: null,
    usage,
  };
}

function stream(response: ServerResponse, model: string, blocks: readonly Block[]): void {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  const say = (type: string, data: object): void =>
    void response.write(`event: ${type}\ndata: ${JSON.stringify({ type, ...data })}\n\n`);
  const message = messageOf(model, blocks) as { readonly stop_reason: string };
  say('message_start', { message: { ...message, content: [], stop_reason: null } });
  for (const [index, block] of blocks.entries()) {
    const [start, delta] = partsOf(block);
    say('content_block_start', { index, content_block: start });
    say('content_block_delta', { index, delta });
    say('content_block_stop', { index });
  }
  say('message_delta', {
    delta: { stop_reason: message.stop_reason, stop_sequence: null },
    usage: { output_tokens: 1 },
  });
  say('message_stop', {});
  response.end();
}

function partsOf(block: Block): readonly [start: object, delta: object] {
  return block.type === 'text'
    ? [
        { type: 'text', text: '' },
        { type: 'text_delta', text: block.text },
      ]
    : [
        { ...block, input: {} },
        { type: 'input_json_delta', partial_json: JSON.stringify(block.input) },
      ];
}

function json(response: ServerResponse, value: object): void {
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(value));
}

interface ToolResult {
  readonly type: 'tool_result';
  readonly tool_use_id: string;
  readonly content?: string | readonly { readonly type: string; readonly text?: string }[];
}

function toolResults(asked: readonly MessagesRequest[]): ReadonlyMap<string, string> {
  const blocks = asked
    .flatMap(({ messages }) => messages)
    .flatMap(({ content }) => (Array.isArray(content) ? (content as readonly (ToolResult | Block)[]) : []));
  return new Map(
    blocks
      .filter((block): block is ToolResult => block.type === 'tool_result')
      .map(({ tool_use_id: id, content = '' }) => [
        id,
        typeof content === 'string' ? content : content.map(({ text: said = '' }) => said).join('\n'),
      ]),
  );
}
