import { concatBytes, fromUtf8, utf8 } from '../../../../call/bytes.ts';
import { ambiguityWithin, memberOf, type JsonNode, type ObjectNode } from '../../../../call/json-node.ts';
import { CountersignError } from '../../../../errors.ts';
import { classify, type Response } from '../../../mcp/message.ts';
import type { AggregateClient, Errand } from './client.ts';
import { heardFrom } from './heard.ts';
import type { Link } from './link.ts';
import { complete, resultOf } from './own-messages.ts';
import { carry, type Reach } from './reach.ts';
import { joined, membersWithout, replace, rewritten } from './rewrite.ts';

const subscribed = 'resourceSubscriptions';
const acknowledged = 'notifications/subscriptions/acknowledged';

/** What one server is asked to tell. */
interface Part {
  readonly link: Link;
  readonly reach: Reach;
  readonly bytes: Uint8Array;
}

/**
 * Listens to all servers at once under the client's own id, which each of their messages names. The client gets one
 * acknowledgement for all of them, and the end once all have ended.
 */
export async function listen(client: AggregateClient, errand: Errand): Promise<void> {
  const { request } = errand;
  const filter = request.params && memberOf(request.params, 'notifications');
  if (filter?.kind !== 'object')
    throw new CountersignError('FRAME_INVALID', 'subscriptions/listen needs a filter.');
  if (ambiguityWithin(request.parsed, filter))
    throw new CountersignError('ARGUMENTS_AMBIGUOUS', 'Two parsers could read the filter differently.');
  const parts = await partsOf(client, errand, filter);
  const heard = createMergedSubscription(errand, parts.length);
  await Promise.all(parts.map((part) => listenTo(client, errand, part, heard)));
}

async function listenTo(
  client: AggregateClient,
  errand: Errand,
  { link: { name, patienceMs }, reach, bytes }: Part,
  merged: MergedSubscription,
): Promise<void> {
  let isAcknowledged = false;
  const acknowledge = (honoured?: JsonNode): void => {
    if (isAcknowledged) return;
    isAcknowledged = true;
    clearTimeout(timer);
    merged.acknowledged(honoured);
  };
  const timer = setTimeout(acknowledge, patienceMs);
  const end = (answer?: { readonly said: Uint8Array; readonly message: Response }): void => {
    acknowledge();
    merged.ended(answer);
  };
  try {
    const exchange = await carry(reach, bytes, errand.caller, {
      message(said) {
        const message = classify(said);
        if (message.kind === 'notification' && message.method === acknowledged) {
          acknowledge(message.params && memberOf(message.params, 'notifications'));
          return;
        }
        const passed = heardFrom(client, name, said);
        if (passed) merged.message(passed);
      },
      answer(said) {
        const message = classify(said);
        end(message.kind === 'response' ? { said, message } : undefined);
      },
      none: () => end(),
    });
    errand.onCarried(name, exchange);
  } catch {
    end();
  }
}

interface MergedSubscription {
  /** A server says what it will tell; nothing where it did not say so in time, or will tell nothing. */
  acknowledged(honoured: JsonNode | undefined): void;
  message(bytes: Uint8Array): void;
  ended(answer: { readonly said: Uint8Array; readonly message: Response } | undefined): void;
}

const subscriptionId = 'io.modelcontextprotocol/subscriptionId';

function createMergedSubscription({ request, sink }: Errand, count: number): MergedSubscription {
  const { raw } = request.id;
  const flags = new Set<string>();
  const uris: unknown[] = [];
  const waiting: Uint8Array[] = [];
  let unacknowledged = count;
  let open = count;
  let last: { readonly said: Uint8Array; readonly message: Response } | undefined;
  const meta = utf8(`"_meta":{"${subscriptionId}":${fromUtf8(raw) ?? 'null'}}`);

  const acknowledge = (): void => {
    const honoured = {
      ...Object.fromEntries([...flags].map((flag) => [flag, true])),
      ...(uris.length > 0 && { [subscribed]: uris }),
    };
    sink.message(
      concatBytes(
        utf8(`{"jsonrpc":"2.0","method":"${acknowledged}","params":{`),
        meta,
        utf8(`,"notifications":${JSON.stringify(honoured)}}}`),
      ),
    );
    for (const bytes of waiting.splice(0)) sink.message(bytes);
  };
  const end = (): void => sink.answer(last?.said ?? resultOf(raw, [complete, meta]), 200);

  if (count === 0) {
    acknowledge();
    end();
  }
  return {
    acknowledged(honoured) {
      if (honoured?.kind === 'object') {
        for (const { key, node } of honoured.members) {
          if (key === subscribed && node.kind === 'array') uris.push(...node.value);
          else if (node.value === true) flags.add(key);
        }
      }
      unacknowledged -= 1;
      if (unacknowledged === 0) acknowledge();
    },
    message(bytes) {
      if (unacknowledged > 0) waiting.push(bytes);
      else sink.message(bytes);
    },
    ended(answer) {
      // One that went well tells more than one that did not: the others' proofs are in the log.
      if (answer && (!last || answer.message.result)) last = answer;
      open -= 1;
      if (open === 0) end();
    },
  };
}

async function partsOf(
  client: AggregateClient,
  errand: Errand,
  filter: ObjectNode,
): Promise<readonly Part[]> {
  const { request, caller } = errand;
  const { frame } = request;
  const uris = memberOf(filter, subscribed);
  const wanted = uris?.kind === 'array' ? uris.elements : [];
  const others = membersWithout(frame, filter, subscribed);
  const resources = wanted.length > 0 ? await client.resources.read(caller) : undefined;
  const isOf = (server: string, uri: JsonNode): boolean => {
    const servers = (uri.kind === 'string' && resources?.serversOf(uri.value)) || [];
    return servers.length === 1 && servers[0] === server;
  };
  const parts = await Promise.all(
    client.links.map(async (link): Promise<Part | undefined> => {
      const reach = await link.reach(caller).catch(() => undefined);
      // Servers of the revisions with sessions tell of changes in their own sessions, which no modern client has.
      if (reach?.speaks !== 'modern') return undefined;
      const own = wanted
        .filter((uri) => isOf(link.name, uri))
        .map(({ start, end }) => frame.subarray(start, end));
      if (own.length === 0 && others.length === 0) return undefined;
      const list = concatBytes(utf8(`"${subscribed}":[`), joined(own), utf8(']'));
      const members = own.length > 0 ? [...others, list] : others;
      const by = concatBytes(utf8('{'), joined(members), utf8('}'));
      return { link, reach, bytes: rewritten(request, [replace(filter, by)]) };
    }),
  );
  return parts.filter((part) => part !== undefined);
}
