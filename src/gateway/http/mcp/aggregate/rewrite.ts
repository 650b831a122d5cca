import { concatBytes, utf8 } from '../../../../call/bytes.ts';
import { memberOf, type JsonNode, type ObjectNode } from '../../../../call/json-node.ts';
import { CountersignError } from '../../../../errors.ts';
import type { Notification, Request, Response } from '../../../mcp/message.ts';

/** Something in a message that is replaced: all else stays byte for byte. */
export interface Edit {
  readonly start: number;
  readonly end: number;
  readonly by: Uint8Array | string;
}

type Written = Pick<Request | Notification | Response, 'frame' | 'root'>;

const lineFeed = utf8('\n');

/** The message with these edits, in any order and none within another, as one line. */
export function rewritten({ frame, root }: Written, edits: readonly Edit[]): Uint8Array {
  return concatBytes(edited(frame, root, edits), lineFeed);
}

/** The bytes of a value with these edits. */
export function edited(
  frame: Uint8Array,
  { start, end }: Pick<JsonNode, 'start' | 'end'>,
  edits: readonly Edit[],
): Uint8Array {
  const parts: Uint8Array[] = [];
  let from = start;
  for (const edit of [...edits].sort((one, other) => one.start - other.start)) {
    parts.push(frame.subarray(from, edit.start), typeof edit.by === 'string' ? utf8(edit.by) : edit.by);
    from = edit.end;
  }
  return concatBytes(...parts, frame.subarray(from, end));
}

export function replace({ start, end }: JsonNode, by: Uint8Array | string): Edit {
  return { start, end, by };
}

/** Puts members in front of those that an object has. */
export function prepend(object: ObjectNode, members: string): Edit {
  const at = object.start + 1;
  return { start: at, end: at, by: object.members.length > 0 ? `${members},` : members };
}

/** The edit that gives a message another id. */
export function withId({ root }: Written, id: Uint8Array | string): readonly Edit[] {
  const node = memberOf(root, 'id');
  return node ? [replace(node, id)] : [];
}

/**
 * The edits that add members to the `_meta` of a message's params.
 *
 * @throws CountersignError `FRAME_INVALID` where there is something else in their place.
 */
export function withMeta({ root }: Written, members: string): readonly Edit[] {
  const params = memberOf(root, 'params');
  if (params === undefined) return [prepend(root, `"params":{"_meta":{${members}}}`)];
  if (params.kind !== 'object') throw unfit('params');
  const meta = memberOf(params, '_meta');
  if (meta === undefined) return [prepend(params, `"_meta":{${members}}`)];
  if (meta.kind !== 'object') throw unfit('_meta');
  return [prepend(meta, members)];
}

/** The edits that take members out of the `_meta` of a message's params. */
export function withoutMeta({ frame, root }: Written, keys: readonly string[]): readonly Edit[] {
  const params = memberOf(root, 'params');
  const meta = params && memberOf(params, '_meta');
  if (meta?.kind !== 'object') return [];
  const kept = joined(membersWithout(frame, meta, ...keys));
  return [replace(meta, concatBytes(utf8('{'), kept, utf8('}')))];
}

/** The text of an object's members, without those of these keys. */
export function membersWithout(
  frame: Uint8Array,
  object: JsonNode | undefined,
  ...keys: readonly string[]
): readonly Uint8Array[] {
  if (object?.kind !== 'object') return [];
  return object.members
    .filter(({ key }) => !keys.includes(key))
    .map(({ keyStart, node }) => frame.subarray(keyStart, node.end));
}

/** Values or members, with commas between them. */
export function joined(parts: readonly Uint8Array[]): Uint8Array {
  return concatBytes(...parts.flatMap((part, at) => (at === 0 ? [part] : [comma, part])));
}

const comma = utf8(',');

function unfit(what: string): CountersignError {
  return new CountersignError('FRAME_INVALID', `The ${what} of the message are no object.`);
}
