import { hex, sha256 } from '../../call/sha256.ts';
import type { KeyPurpose } from '../../envelope/facts.ts';
import {
  createCertificateAuthority,
  createCtKey,
  createLogKey,
  createTimestampChain,
  type CertifiedKey,
} from '../../pki/authority.ts';
import { parseCertificate } from '../../pki/parse-certificate.ts';
import {
  certificateAuthorityEntry,
  ctLogEntry,
  timestampAuthorityEntry,
  transparencyLogEntry,
  type TrustedKeys,
} from '../../pki/trusted-root.ts';
import { keyId } from '../../tlog/vkey.ts';
import type { KeyName } from '../home/home-layout.ts';
import type { PlainKeys } from './key-store.ts';
import type { HomeConfig } from '../home/open-home.ts';

/** A key that is to take another's place, with all that its purpose needs. */
export interface NewKey {
  readonly files: PlainKeys;
  /** Hex SHA-256 of its SubjectPublicKeyInfo: of the issuing CA, of what stamps, of the log's. */
  readonly id: string;
  /** What the trust root says of it. */
  readonly trusted: Partial<TrustedKeys>;
}

/** The key that stands for a purpose; what is beside it, a root, is replaced with it. */
export const keyNames = {
  ca: 'issuing',
  timestamp: 'timestamp',
  ct: 'ct',
  log: 'log',
} as const satisfies Record<KeyPurpose, KeyName>;

export const keyPurposes = Object.keys(keyNames) as readonly KeyPurpose[];

/** Valid from `validFrom`, wall milliseconds, on. */
export function makeNewKey(purpose: KeyPurpose, config: HomeConfig, validFrom: number): Promise<NewKey> {
  const { trustDomain } = config;
  const options = { trustDomain, now: validFrom };
  switch (purpose) {
    case 'ca':
      return makeAuthority();
    case 'timestamp':
      return makeTimestampAuthority();
    case 'ct':
      return makeCt();
    case 'log':
      return makeLog();
  }

  async function makeAuthority(): Promise<NewKey> {
    const { root, issuing } = await createCertificateAuthority(options);
    const chain = [issuing.certificate, root.certificate];
    const { issuerUrl } = config;
    return {
      files: { root: root.privateKey, issuing: issuing.privateKey },
      id: idOf(issuing),
      trusted: {
        certificateAuthorities: [certificateAuthorityEntry({ trustDomain, issuerUrl, chain, validFrom })],
      },
    };
  }

  async function makeTimestampAuthority(): Promise<NewKey> {
    const { timestampRoot, timestamp } = await createTimestampChain(options);
    const chain = [timestamp.certificate, timestampRoot.certificate];
    return {
      files: { timestampRoot: timestampRoot.privateKey, timestamp: timestamp.privateKey },
      id: idOf(timestamp),
      trusted: { timestampAuthorities: [timestampAuthorityEntry({ trustDomain, chain, validFrom })] },
    };
  }

  async function makeCt(): Promise<NewKey> {
    const { privateKey, publicKey } = await createCtKey();
    return {
      files: { ct: privateKey },
      id: keyIdOf(publicKey),
      trusted: { ctlogs: [ctLogEntry({ trustDomain, publicKey, validFrom })] },
    };
  }

  async function makeLog(): Promise<NewKey> {
    const { privateKey, publicKey } = await createLogKey();
    const { origin } = config;
    // The last 32 bytes of an Ed25519 SubjectPublicKeyInfo are the key (RFC 8410 §4).
    const log = { origin, publicKey, keyId: keyId(origin, publicKey.slice(-32)), validFrom };
    return {
      files: { log: privateKey },
      id: keyIdOf(publicKey),
      trusted: { tlogs: [transparencyLogEntry(log)] },
    };
  }
}

/** Hex SHA-256 of a SubjectPublicKeyInfo: how a key is named in key events. */
export function keyIdOf(publicKey: Uint8Array): string {
  return hex(sha256(publicKey));
}

function idOf({ certificate }: CertifiedKey): string {
  return keyIdOf(parseCertificate(certificate).spki);
}
