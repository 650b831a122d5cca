import { parseJson } from '../../call/json-scan.ts';
import { isJsonObject, type Json } from '../../call/json.ts';
import { CountersignError } from '../../errors.ts';
import { issuerKey, type IssuerKey, type TokenAlgorithm } from './jwk.ts';

/** Bytes of a whole set, and keys in it: an issuer has a handful. */
export const maxJwksBytes = 262_144;
const maxKeys = 64;

/**
 * The keys of a JWK Set (RFC 7517 §5) that can be used here, without those whose name and algorithm another one has too: which of
 * the two was meant nobody can tell.
 *
 * @throws CountersignError `CONFIG_INVALID` when it is no such set, has too much in it, or no key that can be used.
 */
export function readJwks(bytes: Uint8Array, allowed: readonly TokenAlgorithm[]): readonly IssuerKey[] {
  const jwks = jwksIn(bytes);
  if (jwks.length > maxKeys) throw unusable(`it has more than ${maxKeys} keys`);
  const keys = jwks.flatMap((jwk) => (isJsonObject(jwk) ? (issuerKey(jwk, allowed) ?? []) : []));
  const distinct = keys.filter((key) => keys.every((other) => other === key || !sameName(key, other)));
  if (distinct.length === 0)
    throw unusable(`it has no key for ${allowed.join(', ')} that can be told from the others`);
  return distinct;
}

function jwksIn(bytes: Uint8Array): readonly Json[] {
  if (bytes.length > maxJwksBytes) throw unusable(`it is larger than ${maxJwksBytes} bytes`);
  const { root, ambiguities } = parsed(bytes);
  if (ambiguities.some(({ kind }) => kind === 'duplicate-key')) throw unusable('a member of it stands twice');
  const keys = root.kind === 'object' ? root.value['keys'] : undefined;
  if (!Array.isArray(keys)) throw unusable('it is no object with a list of “keys”');
  return keys;
}

function parsed(bytes: Uint8Array): ReturnType<typeof parseJson> {
  try {
    return parseJson(bytes, { depth: 16, nodes: 16_384 });
  } catch (error) {
    throw unusable('it is not JSON', error);
  }
}

function sameName(a: IssuerKey, b: IssuerKey): boolean {
  return a.id === b.id && a.algorithm === b.algorithm;
}

function unusable(why: string, cause?: unknown): CountersignError {
  return new CountersignError('CONFIG_INVALID', `This is no usable JWK Set: ${why}.`, { cause });
}
