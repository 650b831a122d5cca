import { fromUtf8, utf8 } from '../../../../call/bytes.ts';
import { memberOf, type JsonNode } from '../../../../call/json-node.ts';
import { CountersignError, toCountersignError } from '../../../../errors.ts';
import { metaKeys } from '../../../../names.ts';
import { denialAnswer, errorAnswerTo, wireCodes } from '../../../mcp/answers.ts';
import { classify, type Response } from '../../../mcp/message.ts';
import { announcedTask } from '../../../mcp/task-state.ts';
import { refusalStatus } from '../exchange.ts';
import { linkTo, noteProgress, noteTask, type AggregateClient, type Errand } from './client.ts';
import { heardFrom } from './heard.ts';
import type { Link } from './link.ts';
import { completed } from './legacy-transport.ts';
import { carry, type Reach } from './reach.ts';
import { rewritten, type Edit } from './rewrite.ts';

/** What a server of one era can do for a client of the other. */
const bridged: ReadonlySet<string> = new Set([
  'tools/call',
  'prompts/get',
  'resources/read',
  'resources/directory/read',
  'completion/complete',
]);

/** Carries a request to the one server that it is for, with these edits and no other byte changed. */
export async function pass(
  client: AggregateClient,
  errand: Errand,
  server: string,
  edits: readonly Edit[] = [],
): Promise<void> {
  const link = linkTo(client, server);
  const { request, caller } = errand;
  try {
    if (!link) throw new CountersignError('NOT_FOUND', 'There is no such server.');
    const reach = await link.reach(caller);
    if (reach.speaks !== caller.era && !bridged.has(request.method)) throw otherEra(server);
    await passTo(client, errand, link, reach, edits);
  } catch (thrown) {
    refuse(errand, toCountersignError(thrown, 'INTERNAL', 'The request could not be carried out.'));
  }
}

async function passTo(
  client: AggregateClient,
  errand: Errand,
  link: Link,
  reach: Reach,
  edits: readonly Edit[],
): Promise<void> {
  const { request, caller, sink } = errand;
  const { name: server } = link;
  noteProgress(client, server, request);
  const exchange = await carry(reach, rewritten(request, edits), caller, {
    message(said) {
      const heard = heardFrom(client, server, said, request);
      if (heard) sink.message(heard);
    },
    answer(said, status, denied) {
      // Its session is gone, and the next request begins another one. To the client that would say that its own is gone.
      if (reach.speaks === 'legacy' && status === 404) forget(link, reach);
      const message = classify(said);
      if (message.kind !== 'response') {
        sink.answer(said, 200);
        return;
      }
      learn(client, errand, server, message);
      sink.answer(fitFor(client, reach, errand, said, message), statusFor(client, status), denied);
    },
    none: (status) => sink.none(statusFor(client, status)),
    begun: () => sink.begun?.(),
    interrupt: (retryMs) => sink.interrupt?.(retryMs),
  });
  errand.onCarried(server, exchange);
}

function forget(link: Link, reach: Reach): void {
  link.lose(reach);
  void reach.close().catch(() => undefined);
}

/** A server's status is about the gateway's own credentials and session, but for what every server of the modern era says alike. */
function statusFor({ era }: AggregateClient, status: number): number {
  return era === 'modern' && (status === 400 || status === 404) ? status : 200;
}

/** What an answer tells of where things are. */
function learn(client: AggregateClient, { request }: Errand, server: string, { result }: Response): void {
  if (!result || request.method !== 'tools/call') return;
  const wasAskedFor = request.params !== undefined && memberOf(request.params, 'task') !== undefined;
  noteTask(client, server, announcedTask(result, wasAskedFor));
  const content = memberOf(result, 'content');
  if (content?.kind !== 'array') return;
  for (const block of content.elements) {
    const uri = memberOf(block, 'uri')?.value;
    if (memberOf(block, 'type')?.value === 'resource_link' && typeof uri === 'string')
      client.resources.linked(server, uri);
  }
}

/**
 * An answer in the client's era. A legacy client has no words for a server that wants more input first: it is told so, with the
 * proof of what was done.
 */
function fitFor(
  { era }: AggregateClient,
  reach: Reach,
  { request }: Errand,
  said: Uint8Array,
  { frame, result }: Response,
): Uint8Array {
  // What the gate says in place of the server does not go through the server's transport.
  if (era === 'modern' && reach.speaks === 'legacy') return completed(said);
  if (era === 'modern' || reach.speaks === 'legacy' || !result) return said;
  if (memberOf(result, 'resultType')?.value !== 'input_required') return said;
  const meta = memberOf(result, '_meta');
  const envelope = meta && memberOf(meta, metaKeys.envelope);
  const data = [
    '"code":"UPSTREAM_INVALID"',
    ...(envelope ? [`${JSON.stringify(metaKeys.envelope)}:${textOf(frame, envelope)}`] : []),
  ];
  return utf8(
    `{"jsonrpc":"2.0","id":${textOf(request.id.raw)},"error":{"code":${wireCodes.refused},` +
      `"message":"The server asks for input in a way that this revision of MCP does not have.",` +
      `"data":{${data.join(',')}}}}`,
  );
}

function textOf(
  bytes: Uint8Array,
  span: Pick<JsonNode, 'start' | 'end'> = { start: 0, end: bytes.length },
): string {
  return fromUtf8(bytes.subarray(span.start, span.end)) ?? 'null';
}

/** Answers a request that goes to no server. A model gets to read why its tool did not run. */
export function refuse({ request, caller, sink }: Errand, error: CountersignError): void {
  const { id, method } = request;
  if (method === 'tools/call' && toModels.has(error.code)) {
    const { code, message } = error;
    const denial = { code, message, retryable: code === 'UPSTREAM_GONE' || code === 'GATE_BUSY' };
    return sink.answer(denialAnswer({ id, method, era: caller.era, denial }), 200);
  }
  const answer = errorAnswerTo(id, error);
  sink.answer(answer, refusalStatus(answer, caller.era));
}

const toModels: ReadonlySet<string> = new Set(['TOOL_UNKNOWN', 'UPSTREAM_GONE', 'GATE_BUSY', 'NOT_FOUND']);

function otherEra(server: string): CountersignError {
  return new CountersignError(
    'METHOD_NOT_RELAYED',
    `The server ${server} speaks revisions of MCP in which this is done in another way.`,
  );
}
