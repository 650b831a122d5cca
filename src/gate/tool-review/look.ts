import { confusables } from './confusables.ts';

const prototypes = new Map(
  confusables.flatMap(([prototype, codePoints]) =>
    codePoints.split(' ').map((code) => [String.fromCodePoint(parseInt(code, 16)), prototype] as const),
  ),
);

const beyondAscii = /[^\0-\u007f]/;
const ignorable = /\p{Default_Ignorable_Code_Point}+/gu;

/** Text with each character that looks like ASCII as that: the skeleton of UTS #39 §4, as far as it is ASCII. Invisible ones are gone. */
export function asciiLook(text: string): string {
  if (!beyondAscii.test(text)) return text;
  let look = '';
  for (const character of text.replace(ignorable, '').normalize('NFKC'))
    look += prototypes.get(character) ?? character;
  return look;
}

/** What two names have in common that people take for one another: case, separators and twins such as `l` and `1` are the same. */
export function lookOf(name: string): string {
  return asciiLook(name)
    .toLowerCase()
    .replaceAll(/[-_. ]/g, '')
    .replaceAll(/[1i|]/g, 'l')
    .replaceAll('0', 'o')
    .replaceAll('rn', 'm')
    .replaceAll('vv', 'w');
}

/** Whether one character was added, left out or replaced, or two neighbours were swapped. */
export function isOneEdit(a: string, b: string): boolean {
  if (a === b) return false;
  const [short, long] = a.length <= b.length ? [a, b] : [b, a];
  if (long.length - short.length > 1) return false;
  let at = 0;
  while (at < short.length && short[at] === long[at]) at += 1;
  if (long.length > short.length) return short.slice(at) === long.slice(at + 1);
  if (short.slice(at + 1) === long.slice(at + 1)) return true;
  const isSwapped = short[at] === long[at + 1] && short[at + 1] === long[at];
  return isSwapped && short.slice(at + 2) === long.slice(at + 2);
}
