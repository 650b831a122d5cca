import { fromBase64 } from '../../call/bytes.ts';
import { parseJson, type JsonLimits } from '../../call/json-scan.ts';
import type { AmbiguityKind } from '../../call/json-node.ts';
import type { JsonObject } from '../../call/json.ts';
import type { RefuseToken } from './token-fault.ts';

/** What a token says of itself. Nothing of it is verified yet. */
export interface UnverifiedToken {
  readonly algorithm: string;
  readonly keyId: string | undefined;
  /** In lower case and without `application/` (RFC 7515 §4.1.9); `none` for a token that has no type. */
  readonly type: string;
  readonly payload: Uint8Array;
}

const maxLength = 16_384;
const headerLimits: JsonLimits = { depth: 4, nodes: 64 };
const claimsLimits: JsonLimits = { depth: 16, nodes: 8_192 };

/**
 * Members that are refused rather than ignored: a key or its place brought along (`jwk`, `jku`, `x5c`, `x5u`), extensions that change
 * what is signed (`crit`, `b64`), and what only an encrypted token has.
 */
const refusedMembers = ['jwk', 'jku', 'x5c', 'x5u', 'crit', 'b64', 'enc', 'zip', 'epk'];

/** Two parsers could read another token. An integer beyond 2^53 in a claim that nobody reads is not among them. */
const refusedAmbiguities: ReadonlySet<AmbiguityKind> = new Set<AmbiguityKind>([
  'duplicate-key',
  'lone-surrogate',
  'number-overflow',
]);

/**
 * Reads a compact JWS (RFC 7515 §7.1) that has exactly one spelling: libraries were seen to take padding, a trailing newline, unused
 * bits that are set, and the last of two equal claims.
 */
export function readCompactJws(
  token: string,
  refuse: RefuseToken,
  atMost: number = maxLength,
): UnverifiedToken {
  const { header, payload } = splitJws(token, refuse, atMost);
  return { ...readHeader(readJwsHeader(header, refuse), refuse), payload };
}

/** Header and payload of a JWS that has one spelling, whatever its header says. */
export function readJwsParts(
  token: string,
  refuse: RefuseToken,
): { readonly header: JsonObject; readonly payload: Uint8Array } {
  const { header, payload } = splitJws(token, refuse);
  return { header: readJwsHeader(header, refuse), payload };
}

/** The same with the header as it is written: for whoever has read that very text before. */
export function splitJws(
  token: string,
  refuse: RefuseToken,
  atMost: number = maxLength,
): { readonly header: string; readonly payload: Uint8Array } {
  if (token.length > atMost) throw refuse('MALFORMED', `is longer than ${atMost} characters`);
  const parts = token.split('.', 6);
  // RFC 7516 §7.1. Some issuers encrypt whatever is for nobody in particular, and whoever set that up has to be told.
  if (parts.length === 5) throw refuse('HEADER_REFUSED', 'is encrypted, and has to be signed');
  const [header, ...others] = parts;
  const [payload, signature] = others.map(fromBase64url);
  if (parts.length !== 3 || !header || !payload || !signature) throw refuse('MALFORMED', notThreeParts);
  return { header, payload };
}

const notThreeParts = 'is not three parts of canonical base64url';

/** The first part of a JWS. */
export function readJwsHeader(header: string, refuse: RefuseToken): JsonObject {
  const bytes = fromBase64url(header);
  if (bytes === undefined) throw refuse('MALFORMED', notThreeParts);
  return objectIn(bytes, headerLimits, refuse);
}

/** The claims of a token (RFC 7519 §3): a JSON object that has one reading. */
export function readClaims({ payload }: Pick<UnverifiedToken, 'payload'>, refuse: RefuseToken): JsonObject {
  return objectIn(payload, claimsLimits, refuse);
}

function readHeader(header: JsonObject, refuse: RefuseToken): Omit<UnverifiedToken, 'payload'> {
  const refused = refusedMembers.find((name) => name in header);
  if (refused !== undefined) throw refuse('HEADER_REFUSED', `has “${refused}” in its header`);
  const { alg, kid, typ } = header;
  if (typeof alg !== 'string') throw refuse('MALFORMED', 'names no algorithm');
  if (kid !== undefined && typeof kid !== 'string')
    throw refuse('MALFORMED', 'names its key with something else than text');
  if (typ !== undefined && typeof typ !== 'string') throw refuse('MALFORMED', 'has a type that is no text');
  return { algorithm: alg, keyId: kid, type: typ === undefined ? 'none' : normalisedType(typ) };
}

/** `at+jwt` for `application/at+JWT`. */
export function normalisedType(type: string): string {
  return type.toLowerCase().replace(/^application\//, '');
}

function objectIn(bytes: Uint8Array, limits: JsonLimits, refuse: RefuseToken): JsonObject {
  const { root, ambiguities } = parsed(bytes, limits, refuse);
  if (root.kind !== 'object') throw refuse('MALFORMED', 'is not made of JSON objects');
  const ambiguity = ambiguities.find(({ kind }) => refusedAmbiguities.has(kind));
  if (ambiguity) throw refuse('MALFORMED', `could be read differently by two parsers (${ambiguity.kind})`);
  return root.value;
}

function parsed(bytes: Uint8Array, limits: JsonLimits, refuse: RefuseToken): ReturnType<typeof parseJson> {
  try {
    return parseJson(bytes, limits);
  } catch {
    throw refuse('MALFORMED', 'is not made of JSON, or of too much of it');
  }
}

/** Strict base64url without padding: each byte string has exactly one text. Undefined for anything else, and for nothing. */
export function fromBase64url(text: string): Uint8Array<ArrayBuffer> | undefined {
  if (!/^[A-Za-z0-9_-]+$/.test(text)) return undefined;
  const padding = '='.repeat((4 - (text.length % 4)) % 4);
  return fromBase64(text.replaceAll('-', '+').replaceAll('_', '/') + padding);
}
