import type { Json } from './json.ts';

/** The JSON pointer (RFC 6901) of the value that these keys and indices lead to; `''` without any. */
export function pointer(...tokens: readonly (string | number)[]): string {
  return tokens.map((token) => '/' + String(token).replaceAll('~', '~0').replaceAll('/', '~1')).join('');
}

/** The value that `path` names in `value`; undefined if there is none or `path` is not a JSON pointer. */
export function resolve(value: Json, path: string): Json | undefined {
  const tokens = tokensOf(path);
  if (tokens === undefined) return undefined;
  let at: Json | undefined = value;
  for (const token of tokens) {
    if (at === undefined) return undefined;
    at = step(at, token);
  }
  return at;
}

function tokensOf(path: string): readonly string[] | undefined {
  if (path === '') return [];
  if (!path.startsWith('/') || /~(?![01])/.test(path)) return undefined;
  return path
    .slice(1)
    .split('/')
    .map((token) => token.replaceAll('~1', '/').replaceAll('~0', '~'));
}

function step(value: Json, token: string): Json | undefined {
  if (value === null || typeof value !== 'object') return undefined;
  if (Array.isArray(value)) return /^(?:0|[1-9][0-9]*)$/.test(token) ? value[Number(token)] : undefined;
  // Own members only, also where an object did not come from our parser.
  return Object.hasOwn(value, token) ? value[token] : undefined;
}
