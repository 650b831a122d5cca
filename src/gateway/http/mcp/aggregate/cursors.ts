import { base64, fromUtf8, utf8 } from '../../../../call/bytes.ts';
import { fromBase64 } from '../../../../call/sha256.ts';
import { CountersignError } from '../../../../errors.ts';

/** Where a list goes on: by server, its own cursor, and how many pages of it were read. */
export type Positions = ReadonlyMap<string, { readonly cursor: string; readonly pages: number }>;

/** Cursors that are nobody's but their owner's, and good for one list. Nothing is kept of them. */
export interface Cursors {
  seal(owner: string, method: string, positions: Positions): Promise<string>;
  /** Rejects with `FRAME_INVALID` for one that was not made here, for this owner and this list. */
  open(owner: string, method: string, cursor: string): Promise<Positions>;
}

const hmac = { name: 'HMAC', hash: 'SHA-256' };

export function createCursors(): Cursors {
  const secret = crypto.getRandomValues(new Uint8Array(32));
  let imported: ReturnType<typeof crypto.subtle.importKey> | undefined;
  const key = (): ReturnType<typeof crypto.subtle.importKey> =>
    (imported ??= crypto.subtle.importKey('raw', secret, hmac, false, ['sign', 'verify']));
  const bound = (owner: string, method: string, payload: string): Uint8Array<ArrayBuffer> =>
    utf8(JSON.stringify([owner, method, payload]));

  return {
    async seal(owner, method, positions) {
      const payload = base64(utf8(JSON.stringify([...positions])));
      const tag = await crypto.subtle.sign(hmac, await key(), bound(owner, method, payload));
      return `${payload}.${base64(new Uint8Array(tag))}`;
    },
    async open(owner, method, cursor) {
      const [payload = '', given = ''] = cursor.split('.');
      const tag = fromBase64(given);
      const isOurs =
        tag && (await crypto.subtle.verify(hmac, await key(), tag, bound(owner, method, payload)));
      if (!isOurs)
        throw new CountersignError('FRAME_INVALID', 'This cursor is none of ours: begin the list anew.');
      const text = fromUtf8(fromBase64(payload) ?? new Uint8Array()) ?? '[]';
      return new Map(JSON.parse(text) as [string, { cursor: string; pages: number }][]);
    },
  };
}
