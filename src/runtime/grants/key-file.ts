import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type JsonWebKey,
  type KeyObject,
} from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import type { JsonObject } from '../../call/json.ts';
import { CountersignError, systemCode } from '../../errors.ts';
import { granterKey } from '../../identity/grants/granter.ts';
import { thumbprintOf } from '../../identity/tokens/jwk-thumbprint.ts';

/** A key that signs grants. */
export interface GrantKey {
  readonly key: KeyObject;
  readonly algorithm: 'ES256' | 'EdDSA';
  /** The public half, as a granter’s key and as `cnf.jwk`. */
  readonly jwk: JsonObject;
}

/** Makes an Ed25519 key, PKCS#8 in PEM, in a file that only this user reads. Refuses a file that is there. */
export function makeGrantKey(file: string): GrantKey {
  const { privateKey } = generateKeyPairSync('ed25519');
  const pem = privateKey.export({ type: 'pkcs8', format: 'pem' });
  try {
    writeFileSync(file, pem, { mode: 0o600, flag: 'wx', flush: true });
  } catch (cause) {
    const why =
      systemCode(cause) === 'EEXIST' ? 'is there already' : `cannot be written (${systemCode(cause)})`;
    throw new CountersignError('USAGE', `${file} ${why}.`, { cause });
  }
  return signingKey(privateKey, file);
}

/** The key in a file: PKCS#8 in PEM, Ed25519 or P-256. */
export function readGrantKey(file: string): GrantKey {
  const text = read(file);
  try {
    return signingKey(createPrivateKey(text), file);
  } catch (cause) {
    throw cause instanceof CountersignError ? cause : noKey(file, 'private key in PEM', cause);
  }
}

/** The public key in a file, as a JWK: of a private or public key in PEM, or a JWK of which only the public half is taken. */
export function readPublicJwk(file: string): JsonObject {
  const text = read(file);
  try {
    const given = text.trimStart().startsWith('{')
      ? createPublicKey({ key: JSON.parse(text) as JsonWebKey, format: 'jwk' })
      : createPublicKey(text);
    return publicJwk(given, file);
  } catch (cause) {
    throw cause instanceof CountersignError ? cause : noKey(file, 'key in PEM or as a JWK', cause);
  }
}

function signingKey(key: KeyObject, file: string): GrantKey {
  const algorithm = key.asymmetricKeyType === 'ed25519' ? 'EdDSA' : 'ES256';
  return { key, algorithm, jwk: publicJwk(createPublicKey(key), file) };
}

/** With its thumbprint as its name, so that a grant says which of several keys has signed it. */
function publicJwk(key: KeyObject, file: string): JsonObject {
  const found = granterKey(key.export({ format: 'jwk' }) as JsonObject);
  if (found === undefined) throw noKey(file, 'key on Ed25519 or P-256');
  return { ...found.jwk, kid: thumbprintOf(found.jwk) ?? '' };
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    throw new CountersignError('USAGE', `${file} cannot be read (${systemCode(cause)}).`, { cause });
  }
}

function noKey(file: string, what: string, cause?: unknown): CountersignError {
  return new CountersignError('USAGE', `${file} is no ${what}. Make one with: countersign grant key`, {
    cause,
  });
}
