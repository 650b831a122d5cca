import { pointer } from './pointer.ts';

/** A part of a call that a statement commits to by itself, as people name it. */
export type OpeningField =
  | { readonly kind: 'argument'; readonly pointer: string }
  /** Of who called, what is committed to instead of stated. */
  | { readonly kind: 'principal'; readonly pointer: string }
  /** The whole texts: action document, `params`, policy's input, the answer as the server sent it. */
  | { readonly kind: 'action' | 'params' | 'input' | 'result' };

const argumentsPrefix = '/args';

const principalField = /^\/principal(\/(?:human|device|network)\/[A-Za-z]+)$/;

/**
 * `/args/path`, `/principal/human/subject`, `action`, `params`, `input` or `result`; undefined for anything else. An argument is a whole one: statements
 * commit to no part of one.
 */
export function openingField(text: string): OpeningField | undefined {
  if (text === 'action' || text === 'params' || text === 'input' || text === 'result') return { kind: text };
  const [, ofPrincipal] = principalField.exec(text) ?? [];
  if (ofPrincipal !== undefined) return { kind: 'principal', pointer: ofPrincipal };
  const path = text.slice(argumentsPrefix.length);
  if (!text.startsWith(`${argumentsPrefix}/`) || /~(?![01])/.test(path) || path.includes('/', 1))
    return undefined;
  return { kind: 'argument', pointer: pointer(path.slice(1).replaceAll('~1', '/').replaceAll('~0', '~')) };
}
