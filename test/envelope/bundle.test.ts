import { bundleFromJSON } from '@sigstore/bundle';
import { TrustedRoot } from '@sigstore/protobuf-specs';
import { Verifier, toSignedEntity, toTrustMaterial } from '@sigstore/verify';
import { describe, expect, it } from 'vitest';
import { fromBase64, utf8 } from '../../src/call/bytes.ts';
import { assembleBundle } from '../../src/envelope/bundle.ts';
import type { Bundle02Json, BundleJson, BundleVersion } from '../../src/envelope/bundle-shape.ts';
import { signStatement } from '../../src/envelope/sign.ts';
import { verdict } from '../../src/envelope/statements.ts';
import { trustedRoot } from '../../src/pki/trusted-root.ts';
import { testTrust } from '../pki/trust-system.ts';
import { vector, vectorCertificate, vectorJson } from '../pki/vectors.ts';
import { allowed, denied, time } from './facts.ts';
import { logKeyId, proveIn } from './tiny-log.ts';

const origin = 'log.example.org';
const { system, identity, timestamps, logSigner } = await testTrust();
const keyId = logKeyId(origin, logSigner);
const allow = await signStatement('allow', verdict(allowed), identity, timestamps, time);
const deny = await signStatement('deny', verdict(denied), identity, timestamps, time);
const others = Array.from({ length: 40 }, (_, i) => utf8(`leaf ${i}`));
const trust = trustedRoot({
  trustDomain: 'example.org',
  logOrigin: origin,
  logPublicKey: system.log.publicKey,
  logKeyId: keyId,
  ctPublicKey: system.ct.publicKey,
  certificateAuthority: [system.issuing.certificate, system.root.certificate],
  timestampAuthority: [system.timestamp.certificate, system.timestampRoot.certificate],
  issuerUrl: 'https://ca.example.org',
  validFrom: system.validFrom,
});

/** Default thresholds: a log entry, a timestamp and an SCT are all demanded. */
const verifier = new Verifier(toTrustMaterial(TrustedRoot.fromJSON(JSON.parse(JSON.stringify(trust)))));
const identityPolicy = { subjectAlternativeName: '^spiffe://example\\.org/gate/main$' };

function bundleOf(signed: typeof allow, leaves: readonly Uint8Array[], version: BundleVersion): string {
  const index = leaves.indexOf(signed.leaf);
  const proof = proveIn(leaves, index, origin, logSigner);
  return assembleBundle({ signed, issuer: identity.issuer, proof, logKeyId: keyId, version });
}

function sigstoreVerify(bundle: unknown): void {
  verifier.verify(toSignedEntity(bundleFromJSON(bundle)), identityPolicy);
}

describe('a bundle', () => {
  const logs = [
    ['a log of one entry', () => [allow.leaf]],
    ['the middle of a log', () => [...others.slice(0, 17), allow.leaf, ...others]],
    ['the end of a log', () => [...others, allow.leaf]],
  ] as const;
  for (const version of ['0.2', '0.3'] as const) {
    it.each(logs)(`v${version} from %s is accepted by @sigstore/verify`, (_where, leaves) => {
      const bundle = bundleOf(allow, leaves(), version);
      expect(() => sigstoreVerify(JSON.parse(bundle))).not.toThrow();
    });
  }

  it('of a DENY is as good evidence as one of an ALLOW', () => {
    const bundle = bundleOf(deny, [allow.leaf, deny.leaf], '0.2');
    expect(() => sigstoreVerify(JSON.parse(bundle))).not.toThrow();
    const { dsseEnvelope } = JSON.parse(bundle) as BundleJson;
    expect(fromBase64(dsseEnvelope.payload)).toEqual(deny.payload);
  });

  it('is refused for another identity, payload, log entry, timestamp or tree', () => {
    const bundle = JSON.parse(bundleOf(allow, [allow.leaf, deny.leaf], '0.2')) as Bundle02Json;
    const other = JSON.parse(bundleOf(deny, [allow.leaf, deny.leaf], '0.2')) as Bundle02Json;
    const material = bundle.verificationMaterial;
    const [entry] = material.tlogEntries;
    const proof = { ...entry.inclusionProof, hashes: [entry.inclusionProof.rootHash] };
    const tampered = [
      { ...bundle, dsseEnvelope: { ...bundle.dsseEnvelope, payload: other.dsseEnvelope.payload } },
      {
        ...bundle,
        verificationMaterial: { ...material, tlogEntries: other.verificationMaterial.tlogEntries },
      },
      {
        ...bundle,
        verificationMaterial: {
          ...material,
          timestampVerificationData: other.verificationMaterial.timestampVerificationData,
        },
      },
      {
        ...bundle,
        verificationMaterial: { ...material, tlogEntries: [{ ...entry, inclusionProof: proof }] },
      },
    ];
    for (const candidate of tampered) expect(() => sigstoreVerify(candidate)).toThrow();
    const entity = toSignedEntity(bundleFromJSON(bundle));
    expect(() =>
      verifier.verify(entity, { subjectAlternativeName: '^spiffe://example.org/gate/other$' }),
    ).toThrow();
  });

  it.each([
    ['0.2', 'bundle02.json'],
    ['0.3', 'bundle03.json'],
  ] as const)('v%s is, of the same parts, the one in the vectors', (version, file) => {
    const vectorBundle = vectorJson(file) as BundleJson;
    const [entry] = vectorBundle.verificationMaterial.tlogEntries;
    const bytes = (text: string): Uint8Array => fromBase64(text) ?? new Uint8Array();
    const bundle = assembleBundle({
      signed: {
        payload: bytes(vectorBundle.dsseEnvelope.payload),
        timestamp: vector('tst.tsr'),
        leaf: vector('body.json'),
      },
      issuer: vectorCertificate('inter.pem'),
      proof: {
        logIndex: Number(entry.logIndex),
        treeSize: Number(entry.inclusionProof.treeSize),
        rootHash: bytes(entry.inclusionProof.rootHash),
        hashes: entry.inclusionProof.hashes.map(bytes),
        checkpoint: new TextDecoder().decode(vector('checkpoint')),
      },
      logKeyId: bytes(entry.logId.keyId),
      version,
    });
    expect(JSON.parse(bundle)).toEqual(vectorBundle);
  });

  it('is not made of a log entry that is not ours', () => {
    const proof = proveIn([allow.leaf], 0, origin, logSigner);
    const signed = { ...allow, leaf: utf8('{"kind":"hashedrekord"}') };
    expect(() => assembleBundle({ signed, issuer: identity.issuer, proof, logKeyId: keyId })).toThrow(
      expect.objectContaining({ code: 'LEDGER_CORRUPT' }),
    );
  });
});
