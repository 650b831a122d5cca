import { base64 } from '../call/bytes.ts';

const texts = new WeakMap<Uint8Array, string>();

/** Base64 of bytes that come again and are never changed: certificates. Remembered for as long as the bytes live. */
export function base64Of(bytes: Uint8Array): string {
  let text = texts.get(bytes);
  if (text === undefined) texts.set(bytes, (text = base64(bytes)));
  return text;
}
