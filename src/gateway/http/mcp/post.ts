import { concatBytes, utf8 } from '../../../call/bytes.ts';
import { memberOf } from '../../../call/json-node.ts';
import { parseJson } from '../../../call/json-scan.ts';
import { CountersignError, toCountersignError } from '../../../errors.ts';
import { refusalAnswer as wireRefusal } from '../../mcp/answers.ts';
import { eraOf } from '../../mcp/era.ts';
import { isCallMethod } from '../../mcp/methods.ts';
import { classify, type Message, type MessageId, type Request } from '../../mcp/message.ts';
import { reasonHeader, statusOf } from '../answers.ts';
import { asksForLogin } from '../challenges.ts';
import { credentialsOf, type HttpBindings } from '../credentials.ts';
import { readBody } from '../read-body.ts';
import { createClientStream, type ClientStream } from './client-stream.ts';
import type { McpConversation } from './conversation.ts';
import type { Post } from './exchange.ts';
import { createPostAnswer, type PostAnswer } from './post-answer.ts';
import {
  contradiction,
  missingHeader,
  paramContradiction,
  mirrorsArguments,
  passedHeaders,
  sessionHeader,
} from './request-headers.ts';
import { requestsOf } from './request-ids.ts';
import { sessionOf, type McpRequest } from './request.ts';
import type { Session } from './sessions.ts';
import { answersLeaveMs, later } from './watch-later.ts';

/** Bytes that may wait for a client of the modern era: what it loses is lost. */
const maxWaiting = 8 << 20;

/** One message of a client, or a batch: carried out in its session, or for itself. */
export async function handlePost(request: McpRequest): Promise<Response> {
  const { context, endpoint, maxBodyBytes } = request;
  const { raw } = context.req;
  const body = await readBody(raw, maxBodyBytes);
  const message = classify(endpoint.isOfLines ? asLine(body) : body);
  try {
    requireAgreement(raw.headers, message, endpoint.isOfLines);
    // A call of a caller who may nothing is denied in a signed verdict, in no session of anybody's.
    if (request.refusal && isOneCall(message)) return await runAlone(request, message);
    const session = sessionOf(request);
    if (session) return await runInSession(request, session, message);
    return isInitialize(message) ? await beginSession(request, message) : await runAlone(request, message);
  } catch (error) {
    return refuse(error, idOf(message));
  }
}

/** What tells a refusal on the wire of MCP. */
function refuse(thrown: unknown, id: MessageId | undefined): Response {
  const error = toCountersignError(thrown, 'INTERNAL', 'The message could not be handled.');
  const { status, headers } = statusOf(error.code);
  return new Response(wireRefusal({ error, wasJson: true, ...(id && { id }) }).slice(), {
    status,
    headers: {
      'content-type': 'application/json',
      'cache-control': 'no-store',
      ...headers,
      [reasonHeader]: error.code,
    },
  });
}

async function runInSession(request: McpRequest, session: Session, message: Message): Promise<Response> {
  const { conversation, streams } = session;
  if (isInitialize(message)) throw new CountersignError('FRAME_INVALID', 'This session was begun already.');
  const { answer, post } = prepare(request, message, streams.open(), {}, () => undefined);
  void answer.ended.then(() => {
    if (conversation.isLost) void request.endpoint.sessions.end(session.id);
  });
  return run(request, conversation, post, answer);
}

async function beginSession(request: McpRequest, message: Message): Promise<Response> {
  const { endpoint, owner, watch } = request;
  const session = await endpoint.sessions.begin(owner, watch, (onGone) => endpoint.connect(onGone));
  const headers = { [sessionHeader]: session.id };
  const { answer, post } = prepare(request, message, session.streams.open(), headers, () => undefined);
  const response = await run(request, session.conversation, post, answer);
  if (response.ok) return response;
  void endpoint.sessions.end(session.id);
  response.headers.delete(sessionHeader);
  return response;
}

/** A request of the modern era: when its client leaves, it is cancelled. */
async function runAlone(request: McpRequest, message: Message): Promise<Response> {
  const { endpoint, owner, context } = request;
  const stream = createClientStream({ key: 'm', isResumable: false, maxBytes: maxWaiting });
  let cancel = (): void => undefined;
  const { answer, post } = prepare(request, message, stream, {}, () => cancel());
  const conversation = await endpoint.single.conversationFor(owner, post);
  await requireMirrored(context.req.raw.headers, message, conversation);
  const exchange = conversation.run(post);
  let isOver = false;
  void answer.ended.then(() => (isOver = true));
  cancel = () => {
    if (!isOver) exchange.cancel();
  };
  const { signal } = context.req.raw;
  if (signal.aborted) cancel();
  signal.addEventListener('abort', cancel, { once: true });
  return answer.response;
}

async function run(
  { context }: McpRequest,
  conversation: McpConversation,
  post: Post,
  answer: PostAnswer,
): Promise<Response> {
  await requireMirrored(context.req.raw.headers, post.message, conversation);
  conversation.run(post);
  return answer.response;
}

function prepare(
  { context, streams, apiKeyId, watch, isLoginOffered }: McpRequest,
  message: Message,
  stream: ClientStream,
  headers: Readonly<Record<string, string>>,
  onLeft: () => void,
): { readonly answer: PostAnswer; readonly post: Post } {
  // Its calls end at once when its caller is revoked, and what they came to is told here.
  const place = () => streams.open(apiKeyId, context.env as HttpBindings, later(watch, answersLeaveMs));
  const answer = createPostAnswer({
    stream,
    place,
    headers,
    onLeft,
    asksForLogin: (code) => asksForLogin(code, isLoginOffered === true),
  });
  const [first] = requestsOf(message);
  return {
    answer,
    post: {
      message,
      answer,
      era: eraOf(first?.params),
      credentials: credentialsOf(context),
      headers: passedHeaders(context.req.raw.headers),
    },
  };
}

/** Of one line for a server that reads lines. What is a blank in JSON stays one; anywhere else it is no JSON. */
function asLine(body: Uint8Array): Uint8Array {
  const isLineEnd = (byte: number): boolean => byte === 0x0a || byte === 0x0d;
  if (body.some(isLineEnd)) {
    parseJson(body);
    return concatBytes(
      body.map((byte) => (isLineEnd(byte) ? 0x20 : byte)),
      utf8('\n'),
    );
  }
  return concatBytes(body, utf8('\n'));
}

/** @throws CountersignError HEADER_MISMATCH */
function requireAgreement(headers: Headers, message: Message, isOfLines: boolean): void {
  const contradicting = contradiction(headers, message);
  if (contradicting !== undefined)
    throw mismatch(`The header ${contradicting} says another thing than the message.`);
  const isModern = message.kind === 'request' && eraOf(message.params) === 'modern';
  // A server behind Streamable HTTP says so itself.
  const missing = isModern && isOfLines ? missingHeader(headers, message) : undefined;
  if (missing !== undefined) throw mismatch(`The header ${missing} is missing.`);
}

/** @throws CountersignError HEADER_MISMATCH */
async function requireMirrored(
  headers: Headers,
  message: Message,
  conversation: McpConversation,
): Promise<void> {
  if (message.kind !== 'request' || message.method !== 'tools/call' || !message.params) return;
  if (!mirrorsArguments(headers)) return;
  const name = memberOf(message.params, 'name')?.value;
  const definition = typeof name === 'string' ? await conversation.definitionOf(name, message) : undefined;
  const schema = definition && memberOf(parseJson(definition).root, 'inputSchema');
  const contradicting = paramContradiction(headers, memberOf(message.params, 'arguments'), schema);
  if (contradicting !== undefined)
    throw mismatch(`The header ${contradicting} repeats no argument of this call.`);
}

function mismatch(sentence: string): CountersignError {
  return new CountersignError('HEADER_MISMATCH', sentence);
}

function isOneCall(message: Message): boolean {
  return message.kind === 'request' && isCallMethod(message.method);
}

function isInitialize(message: Message): message is Request {
  return message.kind === 'request' && message.method === 'initialize';
}

function idOf(message: Message): MessageId | undefined {
  return message.kind === 'request' ? message.id : undefined;
}
