import type { HostBytes } from './host.ts';

/** The same as `hostBytes`, in JavaScript that every runtime has: for workers and browsers. */
const encoder = new TextEncoder();
/** Characters that one call of `String.fromCharCode` takes without running out of stack. */
const chunk = 8_192;

export const portableBytes: HostBytes = {
  utf8: (text) => encoder.encode(text),
  base64: (bytes) => btoa(binaryText(bytes)),
  hex(bytes) {
    let text = '';
    for (const byte of bytes) text += (byte >> 4).toString(16) + (byte & 15).toString(16);
    return text;
  },
  fromBase64(text) {
    try {
      return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
    } catch {
      return new Uint8Array(0);
    }
  },
};

function binaryText(bytes: Uint8Array): string {
  let text = '';
  for (let from = 0; from < bytes.length; from += chunk) {
    text += String.fromCharCode(...bytes.subarray(from, from + chunk));
  }
  return text;
}
