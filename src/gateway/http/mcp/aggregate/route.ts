import { memberOf, type JsonNode } from '../../../../call/json-node.ts';
import { CountersignError } from '../../../../errors.ts';
import type { AggregateClient, Errand } from './client.ts';
import { innerName } from './names.ts';
import { pass, refuse } from './pass.ts';
import { replace } from './rewrite.ts';

/** Carries a request out that belongs to one server. False if it is none of these. */
export async function routeToOne(client: AggregateClient, errand: Errand): Promise<boolean> {
  const { request } = errand;
  const find = finders.get(request.method);
  if (!find) return false;
  try {
    const found = await find(client, errand);
    await pass(
      client,
      errand,
      found.server,
      found.name ? [replace(found.name.node, JSON.stringify(found.name.inner))] : [],
    );
  } catch (error) {
    if (!(error instanceof CountersignError)) throw error;
    refuse(errand, error);
  }
  return true;
}

interface Found {
  readonly server: string;
  /** The name in the request, and what its server calls it. */
  readonly name?: { readonly node: JsonNode; readonly inner: string };
}

type Find = (client: AggregateClient, errand: Errand) => Found | Promise<Found>;

const finders: ReadonlyMap<string, Find> = new Map<string, Find>([
  ['tools/call', (client, { request: { params } }) => byName(client, params, 'TOOL_UNKNOWN')],
  ['prompts/get', (client, { request: { params } }) => byName(client, params, 'NOT_FOUND')],
  ['completion/complete', byReference],
  ['resources/read', byUri],
  ['resources/directory/read', byUri],
  ['resources/subscribe', byUri],
  ['resources/unsubscribe', byUri],
  ...['get', 'result', 'cancel', 'update'].map((verb): [string, Find] => [`tasks/${verb}`, byTask]),
]);

function byName(
  client: AggregateClient,
  holder: JsonNode | undefined,
  code: 'TOOL_UNKNOWN' | 'NOT_FOUND',
): Found {
  const node = holder && memberOf(holder, 'name');
  const named = node?.kind === 'string' ? serverNamed(client, node.value) : undefined;
  if (!node || !named)
    throw new CountersignError(code, 'There is nothing of this name: names here are SERVER__NAME.');
  return { server: named.server, name: { node, inner: named.name } };
}

export function serverNamed({ links }: AggregateClient, outer: string): ReturnType<typeof innerName> {
  return innerName(
    outer,
    links.map(({ name }) => name),
  );
}

function byReference(client: AggregateClient, errand: Errand): Found | Promise<Found> {
  const ref = errand.request.params && memberOf(errand.request.params, 'ref');
  const uri = ref && memberOf(ref, 'uri');
  return memberOf(ref ?? nothing, 'type')?.value === 'ref/resource'
    ? byTemplate(client, errand, uri)
    : byName(client, ref, 'NOT_FOUND');
}

const nothing: JsonNode = { kind: 'null', value: null, start: 0, end: 0 };

async function byTemplate(
  client: AggregateClient,
  { caller }: Errand,
  uri: JsonNode | undefined,
): Promise<Found> {
  if (uri?.kind !== 'string') throw new CountersignError('FRAME_INVALID', 'The reference needs a uri.');
  const resources = await client.resources.read(caller);
  const templating = resources.templating(uri.value);
  return onlyOne(templating.length > 0 ? templating : resources.serversOf(uri.value));
}

async function byUri(client: AggregateClient, { request, caller }: Errand): Promise<Found> {
  const uri = request.params && memberOf(request.params, 'uri');
  if (uri?.kind !== 'string') throw new CountersignError('FRAME_INVALID', 'The method needs a uri.');
  const resources = await client.resources.read(caller);
  return onlyOne(resources.serversOf(uri.value));
}

/** A resource of two servers is none: whichever answered, it could be the other one's that was meant. */
function onlyOne(servers: readonly string[]): Found {
  const [server] = servers;
  if (server === undefined)
    throw new CountersignError(
      'NOT_FOUND',
      'No server here lists this resource, or one that it could be of.',
    );
  if (servers.length > 1)
    throw new CountersignError(
      'NOT_FOUND',
      `Several servers have a resource of this URI (${servers.join(', ')}): ask one of them at /mcp/NAME.`,
    );
  return { server };
}

function byTask({ tasks, links }: AggregateClient, { request }: Errand): Found {
  const taskId = request.params && memberOf(request.params, 'taskId')?.value;
  const [only, ...others] = links;
  const server =
    typeof taskId === 'string'
      ? (tasks.serverOf(taskId) ?? (others.length === 0 ? only?.name : undefined))
      : undefined;
  if (server === undefined)
    throw new CountersignError('NOT_FOUND', 'No server here has announced a task of this id.');
  return { server };
}
