import { concatBytes, utf8 } from '../../../../call/bytes.ts';
import { memberOf, type JsonNode } from '../../../../call/json-node.ts';
import { toCountersignError } from '../../../../errors.ts';
import type { Request } from '../../../mcp/message.ts';
import { mergedCapabilities } from './capabilities.ts';
import { noteTask, type AggregateClient, type Errand } from './client.ts';
import { modernVersion } from './introduce.ts';
import { listAll, listKinds, has, type Item, type ListKind } from './lists.ts';
import { cacheable, complete, requestOf, resultOf } from './own-messages.ts';
import { refuse } from './pass.ts';
import { ask, type Caller, type Reach } from './reach.ts';
import { joined, membersWithout } from './rewrite.ts';

/** Answers what no server is asked alone. False if it is none of these. */
export async function answerOwn(client: AggregateClient, errand: Errand): Promise<boolean> {
  const { request, sink } = errand;
  const kind = listKinds.get(request.method);
  if (kind && (kind.method !== 'tasks/list' || client.era === 'legacy')) {
    await answerList(client, errand, kind);
    return true;
  }
  if (request.method === 'ping' && client.era === 'legacy') {
    sink.answer(resultOf(request.id.raw, []), 200);
    return true;
  }
  if (request.method === 'logging/setLevel' && client.era === 'legacy') {
    await tellLevel(client, errand);
    return true;
  }
  if (request.method === 'server/discover' && client.era === 'modern') {
    await discovered(client, errand);
    return true;
  }
  return false;
}

const versions = ['2024-11-05', '2025-03-26', '2025-06-18', '2025-11-25'];

/** The answer to a legacy handshake. What servers can do that answer it late is not in it, but for what they list. */
export async function answerHandshake(
  client: AggregateClient,
  { request, caller, sink }: Errand,
): Promise<void> {
  const asked = request.params && memberOf(request.params, 'protocolVersion')?.value;
  const version = versions.find((each) => each === asked) ?? versions.at(-1);
  const reaches = await reachAll(client, caller);
  sink.answer(
    resultOf(request.id.raw, [
      `"protocolVersion":${JSON.stringify(version)}`,
      `"capabilities":${JSON.stringify(mergedCapabilities(reaches, 'legacy'))}`,
      `"serverInfo":${JSON.stringify(ourselves(client))}`,
      ...instructionsOf(client, reaches),
    ]),
    200,
  );
}

async function discovered(client: AggregateClient, { request, caller, sink }: Errand): Promise<void> {
  const reaches = await reachAll(client, caller);
  const info = `"io.modelcontextprotocol/serverInfo":${JSON.stringify(ourselves(client))}`;
  sink.answer(
    resultOf(request.id.raw, [
      complete,
      cacheable(0),
      `"supportedVersions":${JSON.stringify([modernVersion])}`,
      `"capabilities":${JSON.stringify(mergedCapabilities(reaches, 'modern'))}`,
      `"_meta":{${info}}`,
      ...instructionsOf(client, reaches),
    ]),
    200,
  );
}

function ourselves({ version }: AggregateClient): { readonly name: string; readonly version: string } {
  return { name: 'countersign', version };
}

/** All servers, as far as they are begun in the time that one is waited for. */
function reachAll({ links }: AggregateClient, caller: Caller): Promise<readonly (Reach | undefined)[]> {
  return Promise.all(links.map((link) => link.reach(caller).catch(() => undefined)));
}

const maxInstructions = 16_384;

/** What each server says of how to use it, under its name: none can speak for all. */
function instructionsOf(
  { links }: AggregateClient,
  reaches: readonly (Reach | undefined)[],
): readonly string[] {
  const said = links.flatMap(({ name }, at) => {
    const text = reaches[at]?.instructions?.slice(0, maxInstructions);
    return text === undefined ? [] : [`Tools whose names begin with ${name}__:\n${text}`];
  });
  return said.length === 0 ? [] : [`"instructions":${JSON.stringify(said.join('\n\n'))}`];
}

async function answerList(client: AggregateClient, errand: Errand, kind: ListKind): Promise<void> {
  const { request, caller, sink } = errand;
  try {
    const { owner } = caller;
    const cursor = cursorOf(request);
    const { items, next, ttlMs } = await listAll({
      ...client,
      kind,
      caller,
      params: membersWithout(request.frame, request.params, 'cursor'),
      positions: cursor === undefined ? undefined : await client.cursors.open(owner, kind.method, cursor),
      isShown: await shownIn(client, kind, caller),
    });
    sink.answer(
      resultOf(request.id.raw, [
        ...(client.era === 'modern' ? [complete, cacheable(ttlMs)] : []),
        concatBytes(utf8(`${JSON.stringify(kind.items)}:[`), joined(items), utf8(']')),
        ...(next.size > 0
          ? [`"nextCursor":${JSON.stringify(await client.cursors.seal(owner, kind.method, next))}`]
          : []),
      ]),
      200,
    );
  } catch (error) {
    refuse(errand, toCountersignError(error, 'INTERNAL', 'The list could not be read.'));
  }
}

function cursorOf({ params }: Request): string | undefined {
  const cursor = params && memberOf(params, 'cursor');
  if (cursor === undefined || cursor.kind === 'null') return undefined;
  return cursor.kind === 'string' ? cursor.value : '';
}

/** What of a list its reader is shown. */
async function shownIn(
  client: AggregateClient,
  { method }: ListKind,
  caller: Caller,
): Promise<(item: Item) => boolean> {
  switch (method) {
    case 'tools/list': {
      const isVisible = client.visibleTo(await client.authenticate(caller.credentials));
      return ({ server, node, name = '' }) => {
        const annotations = memberOf(node, 'annotations');
        return isVisible({
          server,
          name,
          ...(annotations?.kind === 'object' && { annotations: annotations.value }),
        });
      };
    }
    case 'resources/list': {
      const resources = await client.resources.read(caller);
      return ({ node }) => resources.listing(textOf(node, 'uri')).length < 2;
    }
    case 'resources/templates/list': {
      const resources = await client.resources.read(caller);
      return ({ node }) => resources.templating(textOf(node, 'uriTemplate')).length < 2;
    }
    case 'tasks/list':
      return ({ server, node }) => {
        noteTask(client, server, memberOf(node, 'taskId')?.value);
        return true;
      };
    default:
      return () => true;
  }
}

function textOf(node: JsonNode, key: string): string {
  const value = memberOf(node, key)?.value;
  return typeof value === 'string' ? value : '';
}

/** Every server that logs is told how much the client wants to hear. */
async function tellLevel(client: AggregateClient, { request, caller, sink }: Errand): Promise<void> {
  const members = membersWithout(request.frame, request.params);
  await Promise.all(
    client.links.map(async (link) => {
      try {
        const reach = await link.reach(caller);
        if (reach.speaks !== 'legacy' || !has(reach, { capability: 'logging' })) return;
        const bytes = requestOf(client.ownId(), request.method, members);
        await ask(reach, bytes, caller, { withinMs: link.patienceMs });
      } catch (error) {
        const { message } = toCountersignError(error, 'UPSTREAM_GONE', 'It does not answer.');
        client.warn(`The server ${link.name} was not told what to log: ${message}`);
      }
    }),
  );
  sink.answer(resultOf(request.id.raw, []), 200);
}
