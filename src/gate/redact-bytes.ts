import type { JsonNode } from '../call/json-node.ts';
import { parseJson } from '../call/json-scan.ts';
import { concatBytes, utf8 } from '../call/sha256.ts';
import { redactText, type Redactor } from '../policy/redact.ts';

/**
 * JSON text with what redactors take out, and every other byte as it was: numbers that a double cannot hold, and keys that stand
 * twice. Throws FRAME_INVALID for what is no JSON.
 */
export function redactBytes(bytes: Uint8Array, redactors: readonly Redactor[]): Uint8Array {
  const parts: Uint8Array[] = [];
  let copied = 0;
  for (const { start, end, text } of editsOf(parseJson(bytes).root, redactors, [])) {
    parts.push(bytes.subarray(copied, start), utf8(JSON.stringify(text)));
    copied = end;
  }
  return copied === 0 ? bytes : concatBytes(...parts, bytes.subarray(copied));
}

interface Edit {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

function* editsOf(node: JsonNode, redactors: readonly Redactor[], path: readonly string[]): Generator<Edit> {
  const { start, end } = node;
  const text = node.kind === 'string' ? node.value : '';
  if (redactors.some((one) => one.whole(path) !== undefined))
    yield { start, end, text: redactText(text, redactors, path) };
  else if (node.kind === 'string') {
    const redacted = redactText(text, redactors, path);
    if (redacted !== text) yield { start, end, text: redacted };
  } else if (node.kind === 'array')
    for (const [at, element] of node.elements.entries())
      yield* editsOf(element, redactors, [...path, String(at)]);
  else if (node.kind === 'object')
    for (const { key, node: member } of node.members) yield* editsOf(member, redactors, [...path, key]);
}
