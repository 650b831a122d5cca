/**
 * `server/tool`: everything before the first `/` is about the server's name, everything after it about the tool's, and
 * `*` stands for any characters within its own part. The parts are matched apart, never joined: a server that is named
 * `files/x` does not match `files/*`, and a tool `a/b` of the server `files` does.
 */
export interface ToolPattern {
  readonly server: string;
  readonly tool: string;
}

/** UTF-16 units of a pattern, at most. */
const maxPatternLength = 256;

/** Throws an Error whose message says what is wrong. */
export function parseToolPattern(text: string): ToolPattern {
  const slash = text.indexOf('/');
  if (text.length > maxPatternLength) throw new Error(`is longer than ${maxPatternLength} characters`);
  if (slash < 0) throw new Error('must be server/tool, as in files/read_file or files/*');
  const pattern = { server: text.slice(0, slash), tool: text.slice(slash + 1) };
  for (const part of [pattern.server, pattern.tool]) {
    if (part === '') throw new Error('must name a server before the / and a tool after it');
    if (part.includes('**')) throw new Error('has **, and one * already stands for any characters');
    if (/[?[\]{}!\\]/.test(part)) throw new Error('uses a sign that is not supported; only * is special');
    if (/[\s\p{Cc}]/u.test(part)) throw new Error('has a blank or a control character');
  }
  return pattern;
}

export function isToolPattern(source: string): boolean {
  try {
    parseToolPattern(source);
    return true;
  } catch {
    return false;
  }
}

export function isLiteral(pattern: ToolPattern): boolean {
  return !pattern.server.includes('*') && !pattern.tool.includes('*');
}

export function matchesTool(pattern: ToolPattern, server: string, tool: string): boolean {
  return matchesPart(pattern.server, server) && matchesPart(pattern.tool, tool);
}

/** Case-sensitive. Each piece between stars is found at its first place after the one before: nothing backtracks. */
function matchesPart(glob: string, name: string): boolean {
  const pieces = glob.split('*');
  const first = pieces[0] as string;
  if (pieces.length === 1) return name === first;
  const last = pieces[pieces.length - 1] as string;
  if (!name.startsWith(first) || !name.endsWith(last) || name.length < first.length + last.length)
    return false;
  const end = name.length - last.length;
  let at = first.length;
  for (const piece of pieces.slice(1, -1)) {
    const found = name.indexOf(piece, at);
    if (found < 0 || found + piece.length > end) return false;
    at = found + piece.length;
  }
  return true;
}
