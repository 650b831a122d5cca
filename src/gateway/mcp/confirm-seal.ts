import { base64, fromBase64, fromUtf8, utf8 } from '../../call/bytes.ts';

/** What a question was asked about, carried by the client between its asking and its answer. */
export interface Sealed {
  /** Hex SHA-256 of the call, without what is ours. */
  readonly digest: string;
  /** Who asked for the call. */
  readonly owner: string;
  /** What the call itself carried in the places that ours takes, as JSON text. */
  readonly inputResponses?: string;
  readonly requestState?: string;
}

/** Seals that this process makes, and takes back once. Nothing is kept but of those that were used. */
export interface ConfirmSeals {
  seal(what: Sealed): Promise<string>;
  /** What was sealed here; undefined of what was not. It does not say that it still counts: `use` does. */
  open(text: string): Promise<Opened | undefined>;
}

export interface Opened extends Sealed {
  /** True once, and within five minutes. */
  use(): boolean;
}

const prefix = 'countersign-confirm.';
const lastsMs = 300_000;
/** Answers within five minutes that are remembered as used. With more of them, none counts until some are over. */
const maxUsed = 16_384;
const hmac = { name: 'HMAC', hash: 'SHA-256' };

/** Whether a `requestState` is, or pretends to be, one of a seal's. */
export function isSeal(state: string): boolean {
  return state.startsWith(prefix);
}

export function createConfirmSeals(now: () => number = Date.now): ConfirmSeals {
  const used = new Map<string, number>();
  let imported: ReturnType<typeof crypto.subtle.importKey> | undefined;
  const key = (): ReturnType<typeof crypto.subtle.importKey> =>
    (imported ??= crypto.subtle.importKey('raw', random(32), hmac, false, ['sign', 'verify']));

  const use = (nonce: string, until: number): boolean => {
    for (const [old, over] of used) if (over <= now()) used.delete(old);
    if (until <= now() || used.has(nonce) || used.size >= maxUsed) return false;
    used.set(nonce, until);
    return true;
  };

  return {
    async seal(what) {
      const nonce = base64(random(16));
      const payload = base64(utf8(JSON.stringify({ what, nonce, until: now() + lastsMs })));
      const tag = await crypto.subtle.sign(hmac, await key(), utf8(payload));
      return `${prefix}${payload}.${base64(new Uint8Array(tag))}`;
    },
    async open(text) {
      const [payload = '', given = '', ...rest] = isSeal(text) ? text.slice(prefix.length).split('.') : [];
      const tag = fromBase64(given);
      if (!tag || rest.length > 0 || !(await crypto.subtle.verify(hmac, await key(), tag, utf8(payload))))
        return undefined;
      const json = fromUtf8(fromBase64(payload) ?? new Uint8Array()) ?? '';
      const { what, nonce, until } = JSON.parse(json) as Payload;
      return { ...what, use: () => use(nonce, until) };
    },
  };
}

/** Written by `seal`, which alone can have made its tag. */
interface Payload {
  readonly what: Sealed;
  readonly nonce: string;
  readonly until: number;
}

function random(length: number): Uint8Array<ArrayBuffer> {
  return crypto.getRandomValues(new Uint8Array(length));
}
