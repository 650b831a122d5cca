/**
 * A JSON pointer (RFC 6901) in which a part `*` stands for one key or index: "/items/", any index, "/name". The empty text is the whole value.
 */
export type FieldPattern = readonly string[];

/** Undefined for what is no pointer. */
export function parseFieldPattern(text: string): FieldPattern | undefined {
  if (text === '') return [];
  if (!text.startsWith('/') || text.length > 512 || /~(?![01])/.test(text)) return undefined;
  return text
    .slice(1)
    .split('/')
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));
}

/** Whether a path, part by part, is one that the pattern means. */
export function matchesField(pattern: FieldPattern, path: readonly string[]): boolean {
  return pattern.length === path.length && pattern.every((part, at) => part === '*' || part === path[at]);
}
