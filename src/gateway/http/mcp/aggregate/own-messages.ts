import { concatBytes, hex, utf8 } from '../../../../call/bytes.ts';
import { joined } from './rewrite.ts';

/** Ids of requests that are the gateway's own. No client can guess one. */
export function createOwnIds(): () => string {
  const prefix = `countersign-all-${hex(crypto.getRandomValues(new Uint8Array(16)))}-`;
  let count = 0;
  return () => `${prefix}${++count}`;
}

export function requestOf(id: string, method: string, members: readonly Uint8Array[]): Uint8Array {
  return concatBytes(
    utf8(`{"jsonrpc":"2.0","id":${JSON.stringify(id)},"method":${JSON.stringify(method)},"params":{`),
    joined(members),
    utf8('}}\n'),
  );
}

/** A result, of members as they are to be written. */
export function resultOf(id: Uint8Array, members: readonly (Uint8Array | string)[]): Uint8Array {
  const written = members.map((member) => (typeof member === 'string' ? utf8(member) : member));
  return concatBytes(utf8('{"jsonrpc":"2.0","id":'), id, utf8(',"result":{'), joined(written), utf8('}}'));
}

/** What is in every result of the modern era. */
export const complete = '"resultType":"complete"';

/** What every result says in that era that may be kept for a while. */
export function cacheable(ttlMs: number): string {
  return `"ttlMs":${ttlMs},"cacheScope":"private"`;
}
