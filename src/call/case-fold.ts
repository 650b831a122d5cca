/**
 * Unicode simple case folding (CaseFolding.txt, statuses C and S), as Go's `encoding/json` folds the keys of an object
 * when it looks for a field: one code point becomes one code point, so U+212A KELVIN SIGN meets `k`, U+017F LONG S
 * meets `s`, and `ß` is not `ss`.
 *
 * ECMAScript has no such function. Lower-casing the upper case of a code point lands every member of a folding class
 * on one representative, apart from the code points below. The representative is not always the one that
 * CaseFolding.txt prints; texts are equal under `foldCase` exactly if they are equal under simple folding.
 */
export function foldCase(text: string): string {
  if (!beyondAscii.test(text)) return text.toLowerCase();
  let folded = '';
  for (const character of text) folded += foldCharacter(character);
  return folded;
}

/**
 * Dotted capital I and dotless i fold to themselves (only Turkic and full folding map them); the last three pairs are
 * equal under simple folding although each one's case mappings are several characters long.
 */
const exceptions = new Map([
  ['\u0130', '\u0130'],
  ['\u0131', '\u0131'],
  ['\u1fd3', '\u0390'],
  ['\u1fe3', '\u03b0'],
  ['\ufb05', '\ufb06'],
]);

const beyondAscii = /[^\u0000-\u007f]/;

function foldCharacter(character: string): string {
  const exception = exceptions.get(character);
  if (exception !== undefined) return exception;
  const upper = oneCharacter(character.toUpperCase()) ?? character;
  return oneCharacter(upper.toLowerCase()) ?? upper;
}

/** The text if it is one code point: simple mappings never are more. */
function oneCharacter(text: string): string | undefined {
  return text.length === 1 || (text.length === 2 && text.codePointAt(0)! > 0xffff) ? text : undefined;
}
