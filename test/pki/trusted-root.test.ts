import { expect, it } from 'vitest';
import { fromBase64 } from '../../src/call/bytes.ts';
import { trustedRoot } from '../../src/pki/trusted-root.ts';
import type { TrustedRootJson } from '../../src/pki/trusted-root.ts';
import { vectorJson } from './vectors.ts';

const bytes = (text: string | undefined): Uint8Array => fromBase64(text ?? '') ?? new Uint8Array();

it('a trust root has the shape of one that stock verifiers accept, down to its names', () => {
  const vector = vectorJson('trusted_root.json') as TrustedRootJson;
  const [tlog] = vector.tlogs;
  const [ctlog] = vector.ctlogs;
  const [ca] = vector.certificateAuthorities;
  const [tsa] = vector.timestampAuthorities;
  const chain = (authority = ca): Uint8Array[] =>
    authority?.certChain.certificates.map(({ rawBytes }) => bytes(rawBytes)) ?? [];
  const own = trustedRoot({
    trustDomain: 'example.org',
    logOrigin: 'log.example.org',
    logPublicKey: bytes(tlog?.publicKey.rawBytes),
    logKeyId: bytes(tlog?.logId.keyId),
    ctPublicKey: bytes(ctlog?.publicKey.rawBytes),
    certificateAuthority: chain(ca),
    timestampAuthority: chain(tsa),
    issuerUrl: 'https://ca.example.org',
    validFrom: Date.parse(tlog?.publicKey.validFor.start ?? ''),
  });
  const renamed = (authority = ca, commonName = '') => ({
    ...authority,
    subject: { organization: 'example.org', commonName },
  });
  expect(own).toEqual({
    ...vector,
    certificateAuthorities: [renamed(ca, 'Countersign Root CA')],
    timestampAuthorities: [renamed(tsa, 'Countersign TSA')],
  });
});
