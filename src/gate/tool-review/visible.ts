/** Characters that print nothing, or change how others print: written out wherever definitions are shown. */
const unseen = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\u2800]/gu;

/** The longest excerpt, in characters. */
const maxExcerpt = 80;

/** Text with everything invisible in it as `\u{…}`; line ends and tabs stay. */
export function visible(text: string): string {
  return text.replace(unseen, (found) =>
    found === '\n' || found === '\t' ? found : `\\u{${found.codePointAt(0)?.toString(16) ?? ''}}`,
  );
}

/** One line of what stands at `at`, a UTF-16 index. */
export function excerptAt(text: string, at = 0): string {
  // Not from the middle of a character.
  const start = isLowSurrogate(text.charCodeAt(at)) ? at + 1 : at;
  const line = visible(text.slice(start, start + 2 * maxExcerpt)).replaceAll(/\s+/g, ' ');
  const characters = Array.from(line.trim());
  return characters.length <= maxExcerpt ? line.trim() : `${characters.slice(0, maxExcerpt - 1).join('')}…`;
}

function isLowSurrogate(unit: number): boolean {
  return unit >= 0xdc00 && unit <= 0xdfff;
}
