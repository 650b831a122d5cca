import { Scalar } from 'yaml';

/**
 * Where in a YAML text the unit `within` of a string's value stands, however the string is written: plain, quoted, or a block,
 * folded or not. Undefined when escapes hide it. YAML folds and indents by blanks alone, so what is compared is everything else.
 *
 * @param start where the string's node starts
 */
export function offsetWithin(
  text: string,
  start: number,
  string: { readonly value: string; readonly type?: Scalar.Type | undefined },
  within: number,
): number | undefined {
  const { value, type } = string;
  let at = contentStart(text, start, type);
  for (let unit = 0; unit <= within && unit < value.length; unit++) {
    const wanted = value.charAt(unit);
    if (isBlank(wanted)) continue;
    at = skipBlanks(text, at);
    const escape = escapeLength(text, at, type);
    if (text.charAt(at + escape) !== wanted) return undefined;
    if (unit === within) return at;
    at += escape + 1;
  }
  return undefined;
}

function contentStart(text: string, start: number, type: Scalar.Type | undefined): number {
  if (type === Scalar.QUOTE_DOUBLE || type === Scalar.QUOTE_SINGLE) return start + 1;
  const isBlock = type === Scalar.BLOCK_FOLDED || type === Scalar.BLOCK_LITERAL;
  return isBlock ? text.indexOf('\n', start) + 1 : start;
}

/** A quote is doubled, or has a backslash before it, and a backslash too; other escapes stand for something else. */
function escapeLength(text: string, at: number, type: Scalar.Type | undefined): number {
  const pair = text.slice(at, at + 2);
  if (type === Scalar.QUOTE_SINGLE) return pair === "''" ? 1 : 0;
  return type === Scalar.QUOTE_DOUBLE && (pair === '\\"' || pair === '\\\\') ? 1 : 0;
}

function skipBlanks(text: string, from: number): number {
  let at = from;
  while (at < text.length && isBlank(text.charAt(at))) at++;
  return at;
}

function isBlank(unit: string): boolean {
  return unit === ' ' || unit === '\n' || unit === '\r' || unit === '\t';
}
