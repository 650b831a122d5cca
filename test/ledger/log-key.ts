import { createPrivateKey, createPublicKey, generateKeyPairSync, sign } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import type { SyncSigner } from '../../src/pki/signer.ts';
import type { LogIdentity } from '../../src/ledger/store.ts';

/** A log's name and key, made for one test. `pkcs8` hands the key to a child process. */
export interface TestLog {
  readonly origin: string;
  readonly signer: SyncSigner;
  readonly identity: LogIdentity;
  readonly pkcs8: string;
}

export function testLog(origin = 'log.test/1'): TestLog {
  return logOfKey(generateKeyPairSync('ed25519').privateKey, origin);
}

export function logOfPkcs8(pkcs8: string, origin: string): TestLog {
  return logOfKey(
    createPrivateKey({ key: Buffer.from(pkcs8, 'base64'), format: 'der', type: 'pkcs8' }),
    origin,
  );
}

function logOfKey(key: KeyObject, origin: string): TestLog {
  const publicKey = Uint8Array.from(createPublicKey(key).export({ type: 'spki', format: 'der' }));
  const signer: SyncSigner = {
    algorithm: 'ed25519',
    publicKey,
    sign: (data) => Uint8Array.from(sign(null, data, key)),
  };
  const pkcs8 = key.export({ type: 'pkcs8', format: 'der' }).toString('base64');
  return { origin, signer, identity: { origin, publicKey }, pkcs8 };
}
