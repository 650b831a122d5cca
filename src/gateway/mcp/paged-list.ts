import type { JsonNode, ParsedJson } from '../../call/json-node.ts';
import { memberOf, repeatedKey } from '../../call/json-node.ts';
import { CountersignError } from '../../errors.ts';
import type { ListMethod } from '../../targets/mcp-target.ts';

/** One page of a listing: its items, where they stand in `frame`. */
export interface Page {
  readonly frame: Uint8Array;
  readonly parsed: ParsedJson;
  readonly items: readonly JsonNode[];
}

/** The server's answer to a request of our own. */
export type OwnAnswer =
  | {
      readonly kind: 'result';
      readonly frame: Uint8Array;
      readonly parsed: ParsedJson;
      readonly result: JsonNode;
    }
  | { readonly kind: 'error'; readonly code: number | undefined };

export type Ask = (method: ListMethod, cursor: string | undefined) => Promise<OwnAnswer>;

/** A server that has more pages than this will not stop. */
const maxPages = 200;
const maxItems = 20_000;

const methodNotFound = -32601;

const itemsKey: Readonly<Record<ListMethod, string>> = {
  'tools/list': 'tools',
  'resources/list': 'resources',
  'resources/templates/list': 'resourceTemplates',
  'prompts/list': 'prompts',
};

/**
 * Asks for all pages of a listing. A server that does not know the method lists nothing.
 *
 * @throws CountersignError `UPSTREAM_INVALID` when it gives no usable answer, or no end of pages.
 */
export async function askAllPages(ask: Ask, method: ListMethod): Promise<readonly Page[]> {
  const pages: Page[] = [];
  const seen = new Set<string>();
  let count = 0;
  for (let cursor: string | undefined; pages.length < maxPages;) {
    const answer = await ask(method, cursor);
    if (answer.kind === 'error') {
      if (answer.code === methodNotFound && pages.length === 0) return pages;
      throw unusable(method);
    }
    const page = pageOf(answer, method);
    pages.push(page);
    count += page.items.length;
    if (count > maxItems) break;

    const next = memberOf(answer.result, 'nextCursor');
    if (next === undefined || next.kind === 'null') return pages;
    if (next.kind !== 'string' || seen.has(next.value)) break;
    cursor = next.value;
    seen.add(cursor);
  }
  throw unusable(method);
}

function pageOf({ frame, parsed, result }: Extract<OwnAnswer, { kind: 'result' }>, method: ListMethod): Page {
  const key = itemsKey[method];
  const items = memberOf(result, key);
  const keys = new Set([key.toLowerCase(), 'nextcursor']);
  if (items?.kind !== 'array' || repeatedKey(parsed, result, keys)) throw unusable(method);
  return { frame, parsed, items: items.elements };
}

function unusable(method: ListMethod): CountersignError {
  return new CountersignError('UPSTREAM_INVALID', `The server gave no usable answer to ${method}.`);
}
