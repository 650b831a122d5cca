import { createPrivateKey, createPublicKey, generateKeyPairSync, sign } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { CountersignError } from '../errors.ts';
import type { SyncSigner } from './signer.ts';

/** Signers over node:crypto. Importing a key costs ten signatures, so each signer imports its key once. */

/** A new private key (PKCS#8, PEM) and its signer. */
export interface GeneratedKey {
  readonly pem: string;
  readonly signer: SyncSigner;
}

/** ECDSA on P-256 with SHA-256, signatures in DER. Throws CONFIG_INVALID for any other key. */
export function ecdsaSigner(key: KeyObject | string): SyncSigner {
  const privateKey = importKey(key);
  const { asymmetricKeyType, asymmetricKeyDetails } = privateKey;
  if (asymmetricKeyType !== 'ec' || asymmetricKeyDetails?.namedCurve !== 'prime256v1') {
    throw new CountersignError('CONFIG_INVALID', 'a P-256 private key is needed here');
  }
  return {
    algorithm: 'ecdsa-p256-sha256',
    publicKey: publicKeyOf(privateKey),
    sign: (data) => sign('sha256', data, privateKey),
  };
}

/** Ed25519, signatures of 64 bytes. Throws CONFIG_INVALID for any other key. */
export function ed25519Signer(key: KeyObject | string): SyncSigner {
  const privateKey = importKey(key);
  if (privateKey.asymmetricKeyType !== 'ed25519') {
    throw new CountersignError('CONFIG_INVALID', 'an Ed25519 private key is needed here');
  }
  return {
    algorithm: 'ed25519',
    publicKey: publicKeyOf(privateKey),
    sign: (data) => sign(null, data, privateKey),
  };
}

export function generateEcdsaKey(): GeneratedKey {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return { pem: toPem(privateKey), signer: ecdsaSigner(privateKey) };
}

export function generateEd25519Key(): GeneratedKey {
  const { privateKey } = generateKeyPairSync('ed25519');
  return { pem: toPem(privateKey), signer: ed25519Signer(privateKey) };
}

function importKey(key: KeyObject | string): KeyObject {
  if (typeof key !== 'string') {
    if (key.type === 'private') return key;
    throw new CountersignError('CONFIG_INVALID', 'a private key is needed to sign');
  }
  try {
    return createPrivateKey(key);
  } catch {
    // The parser's own message may quote what it read.
    throw new CountersignError('CONFIG_INVALID', 'a private key is not readable as PEM');
  }
}

function publicKeyOf(privateKey: KeyObject): Uint8Array {
  return new Uint8Array(createPublicKey(privateKey).export({ type: 'spki', format: 'der' }));
}

function toPem(privateKey: KeyObject): string {
  return privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
}
