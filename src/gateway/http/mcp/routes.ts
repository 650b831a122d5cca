import { Hono, type Context } from 'hono';
import { CountersignError, toCountersignError } from '../../../errors.ts';
import { refusalAnswer, toResponse } from '../answers.ts';
import { credentialsOf, type HttpBindings } from '../credentials.ts';
import { describeRoute } from '../describe-route.ts';
import { mcpOperations } from '../mcp-operations.ts';
import { callerOf } from '../require-key.ts';
import type { Streams } from '../streams.ts';
import { ownerOf } from './owner.ts';
import { handlePost } from './post.ts';
import { passedHeaders } from './request-headers.ts';
import { sessionOf, type McpRequest, type McpRoutesOptions } from './request.ts';
import type { Session } from './sessions.ts';

/** `/mcp/NAME`: one server over Streamable HTTP, in the revisions with sessions and in 2026-07-28. */
export function mcpRoutes(options: McpRoutesOptions): Hono {
  const app = new Hono();
  for (const path of ['/mcp', '/mcp/:name']) {
    app.post(path, describeRoute(mcpOperations.post), (context) => answerTo(options, context, handlePost));
    app.get(path, describeRoute(mcpOperations.get), (context) => answerTo(options, context, handleGet));
    app.delete(path, describeRoute(mcpOperations.delete), (context) =>
      answerTo(options, context, handleDelete),
    );
    app.all(path, (context) => answerTo(options, context, () => notAllowed()));
  }
  return app;
}

async function answerTo(
  options: McpRoutesOptions,
  context: Context,
  handle: (request: McpRequest) => Response | Promise<Response>,
): Promise<Response> {
  try {
    const principal = await callerOf(context, options, 'call');
    const endpoint = options.endpoints.get(context.req.param('name') ?? '');
    if (!endpoint) throw new CountersignError('NOT_FOUND', 'There is no MCP server of this name here.');
    const { apiKeyId, refusal } = principal;
    const credentials = credentialsOf(context);
    return await handle({
      ...options,
      context,
      endpoint,
      owner: ownerOf(principal),
      apiKeyId,
      watch: (until) => options.watch(principal, credentials, until),
      ...(refusal && { refusal }),
    });
  } catch (error) {
    const { code, message } = toCountersignError(error, 'INTERNAL', 'The request could not be handled.');
    return toResponse(refusalAnswer(code, message));
  }
}

/** The stream of a session that belongs to no request, or one that the client lost on the way. */
async function handleGet(request: McpRequest): Promise<Response> {
  const { context, streams, apiKeyId, watch } = request;
  const { req } = context;
  const session = sessionOf(request);
  if (session === undefined) return notAllowed();
  if (!/text\/event-stream|\*\/\*/.test(req.header('accept') ?? '*/*'))
    return status(406, 'FRAME_INVALID', 'A GET here is answered with text/event-stream alone.');
  const lost = session.streams.find(req.header('last-event-id') ?? '');
  const place = (): ReturnType<Streams['open']> => streams.open(apiKeyId, context.env as HttpBindings, watch);
  if (lost && lost.stream !== session.streams.standalone)
    return lost.stream.read(lost.after, place(), () => undefined);
  const { standalone } = session.streams;
  if (standalone.isRead && !lost)
    return status(409, 'REQUEST_ID_IN_FLIGHT', 'This session has such a stream already.');
  const served = await listen(session, passedHeaders(req.raw.headers));
  if (served !== 200) return new Response(null, { status: served });
  return standalone.read(lost?.after ?? 0, place(), () => undefined);
}

/** Asks the server once: it goes on listening for as long as the session lasts. */
async function listen(session: Session, headers: Readonly<Record<string, string>>): Promise<number> {
  session.listening ??= session.conversation.listen(headers, (bytes) =>
    session.streams.standalone.send(bytes),
  );
  const served = await session.listening;
  if (served !== 200) delete session.listening;
  return served;
}

async function handleDelete(request: McpRequest): Promise<Response> {
  const session = sessionOf(request);
  if (session === undefined) return notAllowed();
  const ended = await session.conversation.end();
  if (ended === 405) return notAllowed();
  await request.endpoint.sessions.end(session.id);
  return new Response(null, { status: ended < 400 ? ended : 204 });
}

function notAllowed(): Response {
  return status(405, 'FRAME_INVALID', 'This method is not served here.', { allow: 'POST, GET, DELETE' });
}

function status(
  code: number,
  reason: Parameters<typeof refusalAnswer>[0],
  message: string,
  headers: Readonly<Record<string, string>> = {},
): Response {
  const answer = refusalAnswer(reason, message);
  return toResponse({ ...answer, status: code, headers: { ...answer.headers, ...headers } });
}
