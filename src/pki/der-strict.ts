import { DerReader, malformed, tag } from './der.ts';
import type { DerElement } from './der.ts';
import { decodeBitString, decodeBoolean, decodeInteger, decodeOid } from './der-values.ts';

/** Deeper than any certificate or token; a stack of SEQUENCEs must not become a stack of calls. */
const maxDepth = 24;

/** How the content of the primitive types that have only one spelling is checked. */
const primitiveChecks: Readonly<Record<number, (element: DerElement) => unknown>> = {
  [tag.boolean]: decodeBoolean,
  [tag.integer]: decodeInteger,
  [tag.bitString]: decodeBitString,
  [tag.oid]: decodeOid,
  [tag.null]: ({ content }) => content.length === 0 || refuse('a NULL with content'),
  [tag.sequence & ~0x20]: () => refuse('a SEQUENCE that is primitive'),
  [tag.set & ~0x20]: () => refuse('a SET that is primitive'),
  0: () => refuse('an end of contents'),
};

/** The one element that `bytes` is, checked for strictness all the way down. */
export function parseDer(bytes: Uint8Array, maxBytes: number): DerElement {
  if (bytes.length > maxBytes) throw malformed(`larger than ${maxBytes} bytes`);
  // Plain views: `slice` of a Node Buffer is a view, and every caller below means a copy by it.
  const reader = new DerReader(new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  const element = reader.next();
  reader.end();
  checkStrict(element, 0);
  return element;
}

function checkStrict(element: DerElement, depth: number): void {
  if (depth > maxDepth) throw malformed('nested too deeply');
  if ((element.tag & 0x20) === 0) {
    primitiveChecks[element.tag]?.(element);
    return;
  }
  const universal = (element.tag & 0xc0) === 0;
  if (universal && element.tag !== tag.sequence && element.tag !== tag.set) {
    throw malformed('a string in pieces');
  }
  const reader = new DerReader(element.content);
  let previous: Uint8Array | undefined;
  while (!reader.done) {
    const child = reader.next();
    checkStrict(child, depth + 1);
    if (element.tag === tag.set && previous !== undefined && compareDer(previous, child.raw) > 0) {
      throw malformed('a set out of order');
    }
    previous = child.raw;
  }
}

/** Order of a SET OF: byte by byte, a prefix first (X.690 §11.6). */
export function compareDer(a: Uint8Array, b: Uint8Array): number {
  const shared = Math.min(a.length, b.length);
  for (let i = 0; i < shared; i++) {
    const difference = (a[i] as number) - (b[i] as number);
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}

function refuse(what: string): never {
  throw malformed(what);
}
