import type { JsonNode } from '../../call/json-node.ts';
import { memberOf } from '../../call/json-node.ts';

export type Era = 'legacy' | 'modern';

const versionKey = 'io.modelcontextprotocol/protocolVersion';

/**
 * The era of a client's message, which only the modern one says with each request. Versions are dates, and what is
 * unknown is taken for modern if it says itself so.
 */
export function eraOf(params: JsonNode | undefined): Era {
  const meta = params && memberOf(params, '_meta');
  return meta && memberOf(meta, versionKey)?.kind === 'string' ? 'modern' : 'legacy';
}
