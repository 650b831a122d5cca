/** A text as a string literal of CEL that is printable and one line, whatever is in it. */
export function celString(text: string): string {
  return `"${text.replace(/["\\]|[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Co}\p{Cn}]/gu, escaped)}"`;
}

function escaped(character: string): string {
  if (character === '"' || character === '\\') return `\\${character}`;
  const code = character.codePointAt(0) ?? 0;
  return code > 0xffff
    ? `\\U${code.toString(16).padStart(8, '0')}`
    : `\\u${code.toString(16).padStart(4, '0')}`;
}

/** A number of JSON as CEL's double. */
export function celDouble(value: number): string {
  const text = String(Object.is(value, -0) ? 0 : value);
  return /^-?\d+$/.test(text) ? `${text}.0` : text;
}

const keywords: ReadonlySet<string> = new Set([
  ...['true', 'false', 'null', 'in', 'as', 'break', 'const', 'continue', 'else', 'for', 'function', 'if'],
  ...['import', 'let', 'loop', 'package', 'namespace', 'return', 'var', 'void', 'while'],
]);

/** A field of a map, and the question whether it is there. */
export function fieldOf(map: string, name: string): { readonly ref: string; readonly isThere: string } {
  if (/^[A-Za-z_][A-Za-z0-9_]{0,63}$/.test(name) && !keywords.has(name))
    return { ref: `${map}.${name}`, isThere: `has(${map}.${name})` };
  return { ref: `${map}[${celString(name)}]`, isThere: `${celString(name)} in ${map}` };
}

/** `x == a`, or `x in [a, b]`. */
export function oneOf(ref: string, literals: readonly string[]): string {
  const [only, second] = literals;
  return only !== undefined && second === undefined
    ? `${ref} == ${only}`
    : `${ref} in [${literals.join(', ')}]`;
}

/** A text as an RE2 pattern that matches it alone. */
export function quotedPattern(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\-]/g, '\\$&');
}
