import type { JsonNode, ParsedJson } from '../call/json-node.ts';
import { ambiguityWithin, memberOf, repeatedKey } from '../call/json-node.ts';
import { parseJson } from '../call/json-scan.ts';
import { CountersignError } from '../errors.ts';

/** Requests that are relayed and not answered yet. */
export interface WaitingIds {
  readonly isEmpty: boolean;
  /** Their ids: `s:` and a string's text, or `n:` and a number. */
  readonly keys: readonly string[];
  /** Takes out what a message or batch of the server answers. */
  answered(bytes: Uint8Array): void;
}

/** For what was sent: the ids of the requests in it. */
export function createWaitingIds(sent: Uint8Array): WaitingIds {
  const waiting = new Set(
    messagesIn(sent)
      .filter(({ isRequest }) => isRequest)
      .map(({ id }) => id),
  );
  return {
    get isEmpty() {
      return waiting.size === 0;
    },
    get keys() {
      return [...waiting];
    },
    answered(bytes) {
      if (waiting.size === 0) return;
      for (const { isRequest, id } of messagesIn(bytes)) if (!isRequest) waiting.delete(id);
    },
  };
}

/** How a body that came with an error's status speaks of the request: not at all where it is no JSON-RPC. */
export function responseIn(bytes: Uint8Array): 'named' | 'nameless' | undefined {
  const parsed = parsedOf(bytes);
  if (parsed === undefined) return undefined;
  const elements = elementsOf(parsed);
  const isResponse = (node: JsonNode): boolean =>
    memberOf(node, 'jsonrpc')?.value === '2.0' &&
    (memberOf(node, 'result') ?? memberOf(node, 'error')) !== undefined;
  if (elements.length === 0 || !elements.every(isResponse)) return undefined;
  return elements.some((node) => idOf(parsed, node) !== undefined) ? 'named' : 'nameless';
}

interface MessageInBrief {
  readonly id: string;
  readonly isRequest: boolean;
}

/** Messages with an id. The relay judges them strictly; here is only counted, and what is odd counts as no answer. */
function messagesIn(bytes: Uint8Array): readonly MessageInBrief[] {
  const parsed = parsedOf(bytes);
  if (parsed === undefined) return [];
  return elementsOf(parsed).flatMap((node) => {
    const id = idOf(parsed, node);
    return id === undefined ? [] : [{ id, isRequest: memberOf(node, 'method') !== undefined }];
  });
}

function elementsOf({ root }: ParsedJson): readonly JsonNode[] {
  return root.kind === 'array' ? root.elements : [root];
}

const deciding: ReadonlySet<string> = new Set(['jsonrpc', 'id', 'method', 'result', 'error']);

function idOf(parsed: ParsedJson, node: JsonNode): string | undefined {
  if (node.kind !== 'object' || repeatedKey(parsed, node, deciding)) return undefined;
  const id = memberOf(node, 'id');
  if (id === undefined || ambiguityWithin(parsed, id)) return undefined;
  if (id.kind === 'string') return `s:${id.value}`;
  return id.kind === 'number' ? `n:${id.value}` : undefined;
}

function parsedOf(bytes: Uint8Array): ParsedJson | undefined {
  try {
    return parseJson(bytes);
  } catch (error) {
    if (!(error instanceof CountersignError)) throw error;
    return undefined;
  }
}
