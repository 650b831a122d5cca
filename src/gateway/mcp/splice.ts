import { concatBytes, utf8 } from '../../call/bytes.ts';
import { foldCase } from '../../call/case-fold.ts';
import type { JsonNode, ObjectNode } from '../../call/json-node.ts';
import { mustRename, upstreamPrefix } from '../../call/meta-keys.ts';
import { CountersignError } from '../../errors.ts';
import type { MetaMember } from '../meta-members.ts';
import type { Answer } from './message.ts';

/**
 * An answer of a server with our members in it, every other byte as it was: in `result._meta` or `error.data`, made if
 * there is none. A server's keys that are ours, or look like it, are renamed (`meta-keys.ts`), also with no members to
 * put in. What comes back is the message's own bytes, also where it stood in a batch; `unsplice` is the inverse.
 *
 * An error whose `data` is something else than an object has no room: it comes back as it is.
 *
 * @throws CountersignError `UPSTREAM_INVALID` if the result is not an object, its `_meta` is not one, or there is a
 * second or misspelt `_meta` or `data`.
 */
export function spliceMembers(response: Answer, members: readonly MetaMember[]): Uint8Array {
  const room = response.error === undefined ? roomInResult(response.result) : roomInError(response.error);
  return room === undefined ? response.bytes : insert(response, room, members);
}

/** Where members go: into an object of the server's, or into a new one that becomes a member of `parent`. */
type Room =
  | { readonly kind: 'there'; readonly object: ObjectNode }
  | { readonly kind: 'new'; readonly parent: ObjectNode; readonly key: '_meta' | 'data' };

function roomInResult(result: JsonNode): Room {
  if (result.kind !== 'object') throw invalid('The result of the server is not an object.');
  const meta = onlyMember(result, '_meta');
  if (meta === undefined) return { kind: 'new', parent: result, key: '_meta' };
  if (meta.kind !== 'object') throw invalid('The _meta of the server is not an object.');
  return { kind: 'there', object: meta };
}

function roomInError(error: JsonNode): Room | undefined {
  if (error.kind !== 'object') return undefined;
  const data = onlyMember(error, 'data');
  if (data === undefined) return { kind: 'new', parent: error, key: 'data' };
  return data.kind === 'object' ? { kind: 'there', object: data } : undefined;
}

/** The member of that key, which must be there once and in no other case: a client might read the other one. */
function onlyMember(object: ObjectNode, key: string): JsonNode | undefined {
  const [member, second] = object.members.filter((candidate) => foldCase(candidate.key) === key);
  if (second !== undefined || (member !== undefined && member.key !== key)) {
    throw invalid(`The answer of the server has a second or misspelt ${key}.`);
  }
  return member?.node;
}

function insert(response: Answer, room: Room, members: readonly MetaMember[]): Uint8Array {
  const { frame, root } = response;
  const object = room.kind === 'there' ? room.object : room.parent;
  const renamed = room.kind === 'there' ? object.members.filter(({ key }) => mustRename(key)) : [];
  if (members.length === 0 && renamed.length === 0) return response.bytes;

  // Right after the brace, so that what the server wrote stays in one piece.
  let from = object.start + 1;
  const parts = [frame.subarray(root.start, from), utf8(textOf(members, room, object.members.length > 0))];
  for (const { keyStart } of renamed) {
    parts.push(frame.subarray(from, keyStart + 1), utf8(upstreamPrefix));
    from = keyStart + 1;
  }
  return concatBytes(...parts, frame.subarray(from, root.end));
}

function textOf(members: readonly MetaMember[], room: Room, othersFollow: boolean): string {
  if (members.length === 0) return '';
  const ours = members.map(({ key, json }) => `${JSON.stringify(key)}:${json}`).join(',');
  return (room.kind === 'there' ? ours : `"${room.key}":{${ours}}`) + (othersFollow ? ',' : '');
}

function invalid(message: string): CountersignError {
  return new CountersignError('UPSTREAM_INVALID', message);
}
