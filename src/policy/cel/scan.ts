/**
 * How deep brackets nest in a CEL source, strings and comments left out. Counted before parsing: the engine's parser
 * recurses on brackets and overflows the stack at about a thousand.
 */
export function bracketDepth(source: string): number {
  let depth = 0;
  let deepest = 0;
  for (const [lexeme] of source.matchAll(lexemes)) {
    if (lexeme.length > 1) continue;
    if ('([{'.includes(lexeme)) deepest = Math.max(deepest, ++depth);
    else if (')]}'.includes(lexeme)) depth--;
  }
  return deepest;
}

/** Comments, raw and plain strings of one or three quotes, and brackets; what is between them is skipped. */
const lexemes = new RegExp(
  [
    String.raw`\/\/[^\n]*`,
    String.raw`[rR][bB]?"""[^]*?"""|[rR][bB]?'''[^]*?'''|[rR][bB]?"[^"\n]*"|[rR][bB]?'[^'\n]*'`,
    String.raw`"""(?:\\[^]|[^\\])*?"""|'''(?:\\[^]|[^\\])*?'''`,
    String.raw`"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'`,
    String.raw`[()[\]{}]`,
  ].join('|'),
  'g',
);
