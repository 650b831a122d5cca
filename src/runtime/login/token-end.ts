/**
 * When a token says that it ends, in wall milliseconds; undefined for one that does not say so readably. Read to know when to ask for
 * another one: nothing is believed of it before `identity/` has verified it.
 */
export function tokenEnd(token: string): number | undefined {
  const exp = claimOf(token, 'exp');
  return typeof exp === 'number' && Number.isFinite(exp) ? exp * 1_000 : undefined;
}

/** Who a token says that it is of, for people to read. */
export function tokenSubject(token: string): string | undefined {
  const sub = claimOf(token, 'sub');
  return typeof sub === 'string' ? sub : undefined;
}

function claimOf(token: string, name: string): unknown {
  try {
    const text = Buffer.from(token.split('.')[1] ?? '', 'base64url').toString();
    const claims = JSON.parse(text) as Record<string, unknown> | null;
    return claims !== null && Object.hasOwn(claims, name) ? claims[name] : undefined;
  } catch {
    return undefined;
  }
}
