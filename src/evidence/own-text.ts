import { fromUtf8, utf8 } from '../call/sha256.ts';

/** The same text with memory of its own: a piece of a parsed statement keeps the whole statement alive in some engines. */
export function ownText(text: string): string {
  return fromUtf8(utf8(text)) ?? text;
}
