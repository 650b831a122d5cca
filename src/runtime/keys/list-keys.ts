import { fromBase64 } from '../../call/sha256.ts';
import type { KeyPurpose } from '../../envelope/facts.ts';
import type { TrustedRootJson, ValidForJson } from '../../pki/trusted-root.ts';
import { parseCertificate } from '../../pki/parse-certificate.ts';
import { readWorkloadCertificate } from '../enrol/workload-authority.ts';
import { readCompromised } from './compromised.ts';
import type { HomeLayout } from '../home/home-layout.ts';
import { keyFileState, type KeyFileState } from './key-store.ts';
import { keyIdOf, keyNames, keyPurposes } from './new-keys.ts';
import { firstOf, readTrustRoot } from './trust-root.ts';

/** A key that the trust root names; or `workload`, which certifies agents and is in no trust root. */
export interface ListedKey {
  readonly purpose: KeyPurpose | 'workload';
  /** Hex SHA-256 of the SubjectPublicKeyInfo. */
  readonly id: string;
  readonly algorithm: 'ecdsa-p256-sha256' | 'ed25519';
  readonly validFrom: string;
  /** Null while it has no end. */
  readonly validUntil: string | null;
  /** `retired`: another one signs in its place, although it may still be valid for what runs. */
  readonly status: 'active' | 'retired';
  readonly compromised: boolean;
  /** Its private key; of a retired one it was deleted. */
  readonly file: KeyFileState | 'deleted';
}

/** By purpose, oldest first. No private key is opened for it. */
export function listKeys(layout: HomeLayout): readonly ListedKey[] {
  return [...trustedKeys(layout), ...workloadKey(layout)];
}

function workloadKey(layout: HomeLayout): readonly ListedKey[] {
  const certificate = readWorkloadCertificate(layout);
  if (certificate === undefined) return [];
  const { spki, notBefore, notAfter } = parseCertificate(certificate);
  return [
    {
      purpose: 'workload',
      id: keyIdOf(spki),
      algorithm: 'ecdsa-p256-sha256',
      validFrom: new Date(notBefore).toISOString(),
      validUntil: new Date(notAfter).toISOString(),
      status: 'active',
      compromised: false,
      file: keyFileState(layout, 'workload'),
    },
  ];
}

function trustedKeys(layout: HomeLayout): readonly ListedKey[] {
  const root = readTrustRoot(layout);
  const { keys: declared } = readCompromised(layout);
  return keyPurposes.flatMap((purpose) => {
    const named = namedIn(root, purpose);
    return named.map(({ id, validFor }, i): ListedKey => {
      // Each successor is appended.
      const active = i === named.length - 1;
      return {
        purpose,
        id,
        algorithm: purpose === 'log' ? 'ed25519' : 'ecdsa-p256-sha256',
        validFrom: validFor.start,
        validUntil: validFor.end ?? null,
        status: active ? 'active' : 'retired',
        compromised: declared.some((key) => key.purpose === purpose && key.sha256 === id),
        file: active ? keyFileState(layout, keyNames[purpose]) : 'deleted',
      };
    });
  });
}

interface NamedKey {
  readonly id: string;
  readonly validFor: ValidForJson;
}

function namedIn(root: TrustedRootJson, purpose: KeyPurpose): readonly NamedKey[] {
  if (purpose === 'ca' || purpose === 'timestamp') {
    const authorities = purpose === 'ca' ? root.certificateAuthorities : root.timestampAuthorities;
    return authorities.map((authority) => ({
      id: keyIdOf(firstOf(authority)?.spki ?? new Uint8Array()),
      validFor: authority.validFor,
    }));
  }
  const logs = purpose === 'ct' ? root.ctlogs : root.tlogs;
  return logs.map(({ publicKey: { rawBytes, validFor } }) => ({
    id: keyIdOf(fromBase64(rawBytes) ?? new Uint8Array()),
    validFor,
  }));
}
