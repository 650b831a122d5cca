import { parseJson } from '../call/json-scan.ts';
import type { JsonLimits } from '../call/json-scan.ts';
import { memberOf } from '../call/json-node.ts';
import type { JsonNode, ParsedJson } from '../call/json-node.ts';
import { CountersignError } from '../errors.ts';
import { fail } from './codes.ts';
import type { VerifyCode } from './codes.ts';
import { limits } from './limits.ts';

/**
 * JSON that two readers can't read differently: no duplicate key, case twin, lone surrogate or unfit number in it, except
 * inside the member that the keys `apart` lead to.
 */
export function readUnambiguous(
  bytes: Uint8Array,
  code: VerifyCode,
  field: string,
  apart: readonly string[] = [],
): ParsedJson {
  const parsed = readJson(bytes, code, field, { depth: limits.depth, nodes: limits.nodes });
  if (parsed.ambiguities.length === 0) return parsed;
  const exempt = apart.length === 0 ? undefined : nodeAt(parsed.root, apart);
  const inside = (offset: number): boolean =>
    exempt !== undefined && offset >= exempt.start && offset < exempt.end;
  if (parsed.ambiguities.some(({ kind, offset }) => kind === 'duplicate-key' || !inside(offset))) {
    fail(code, field, 'Two parsers could read this JSON differently.');
  }
  return parsed;
}

function nodeAt(root: JsonNode, keys: readonly string[]): JsonNode | undefined {
  return keys.reduce<JsonNode | undefined>((node, key) => node && memberOf(node, key), root);
}

/** JSON whose ambiguities are for the caller to judge. */
export function readJson(bytes: Uint8Array, code: VerifyCode, field: string, bounds: JsonLimits): ParsedJson {
  try {
    return parseJson(bytes, bounds);
  } catch (thrown) {
    if (!(thrown instanceof CountersignError)) throw thrown;
    return fail(thrown.code === 'TOO_LARGE' ? 'TOO_LARGE' : code, field, thrown.message);
  }
}
