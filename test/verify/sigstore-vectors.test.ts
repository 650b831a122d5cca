import { bundleFromJSON } from '@sigstore/bundle';
import { TrustedRoot } from '@sigstore/protobuf-specs';
import { toSignedEntity, toTrustMaterial, Verifier } from '@sigstore/verify';
import { describe, expect, it } from 'vitest';
import { utf8 } from '../../src/call/bytes.ts';
import type { VerifyCode } from '../../src/verify/codes.ts';
import { verifyEnvelope } from '../../src/verify/envelope.ts';
import { loadTrust } from '../../src/verify/trust.ts';
import { vectorBytes, vectorJson, vectorNames } from '../support/vectors.ts';

/**
 * `test/vectors/sigstore/`: bundles and trust roots of Sigstore's public instance and of test instances, with which Sigstore's
 * own verifiers are tested. They are of older kinds than ours; what is genuine to their verifiers must not become an envelope
 * to ours.
 */
const trust = await loadTrust(vectorBytes('envelope/trusted_root.json'));

async function codesOf(bundle: Uint8Array): Promise<readonly VerifyCode[]> {
  const result = await verifyEnvelope(bundle, trust);
  return result.ok ? [] : result.failures.map(({ code }) => code);
}

function sigstoreAccepts(bundle: unknown): boolean {
  const root = TrustedRoot.fromJSON(vectorJson('sigstore/trusted-roots/public-good.json'));
  try {
    new Verifier(toTrustMaterial(root)).verify(toSignedEntity(bundleFromJSON(bundle)));
    return true;
  } catch {
    return false;
  }
}

describe('a bundle of Sigstore’s own', () => {
  const expected: Readonly<Record<string, { readonly genuine: boolean; readonly code: VerifyCode }>> = {
    // v0.1, entries of Rekor v1 with the log’s promise.
    'bundle-provenance.json': { genuine: true, code: 'BUNDLE_VERSION' },
    'dsse.sigstore.json': { genuine: true, code: 'BUNDLE_VERSION' },
    'sigstore.js@2.0.0-provenance.sigstore.json': { genuine: true, code: 'BUNDLE_VERSION' },
    // v0.1, a registry’s key that is not in the trust root.
    'bundle-publish.json': { genuine: false, code: 'BUNDLE_VERSION' },
    // v0.1, two signatures.
    'dsse-2sigs.sigstore.json': { genuine: false, code: 'BUNDLE_VERSION' },
    // v0.3, an entry of Rekor v1 with the log’s promise.
    'oci-attestation.sigstore.json': { genuine: true, code: 'BUNDLE_UNKNOWN_FIELD' },
    // v0.3, signatures over bytes: a certificate of a test instance, a key without one.
    'othername.sigstore.json': { genuine: false, code: 'BUNDLE_UNKNOWN_FIELD' },
    'public-key-validity.sigstore.json': { genuine: false, code: 'BUNDLE_UNKNOWN_FIELD' },
  };

  it('has its row here', () => {
    expect(vectorNames('sigstore/bundles')).toEqual(Object.keys(expected).sort());
  });

  it.each(Object.entries(expected))('%s is not one of ours, whoever else accepts it', async (name, row) => {
    const bundle = vectorBytes(`sigstore/bundles/${name}`);
    expect(sigstoreAccepts(vectorJson(`sigstore/bundles/${name}`))).toBe(row.genuine);
    expect(await codesOf(bundle)).toEqual([row.code]);
  });

  it('is refused as foreign, too, once whatever its form has over ours is taken away', async () => {
    const bundle = vectorJson('sigstore/bundles/oci-attestation.sigstore.json') as {
      verificationMaterial: {
        tlogEntries: { inclusionPromise?: unknown; kindVersion: unknown; integratedTime: string }[];
      };
    };
    const refusal = (): Promise<readonly VerifyCode[]> => codesOf(utf8(JSON.stringify(bundle)));
    const [entry] = bundle.verificationMaterial.tlogEntries;
    delete entry!.inclusionPromise;
    expect(await refusal()).toEqual(['LOG_ENTRY_KIND']);
    entry!.kindVersion = { kind: 'hashedrekord', version: '0.0.2' };
    expect(await refusal()).toEqual(['LOG_ENTRY_KIND']);
    entry!.integratedTime = '0';
    expect(await refusal()).toEqual([
      'CERTIFICATE_CHAIN',
      'CERTIFICATE_PROFILE',
      'TIMESTAMP_MISSING',
      'LOG_UNKNOWN',
    ]);
  });
});

describe('a trust root of Sigstore’s own', () => {
  it.each(vectorNames('sigstore/trusted-roots'))('%s is none to rely on here', async (name) => {
    await expect(loadTrust(vectorBytes(`sigstore/trusted-roots/${name}`))).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
    });
  });
});
