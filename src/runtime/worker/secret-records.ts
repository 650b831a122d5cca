import type {
  CertificateAuthorityJson,
  TransparencyLogJson,
  TrustedRootJson,
  ValidForJson,
} from '../../pki/trusted-root.ts';
import type { SecretReader } from './secret-reader.ts';

/** The trust root, its fields in the order in which a home writes them: it is published as the home's own file. */
export function readTrustedRoot(root: SecretReader): TrustedRootJson {
  return {
    mediaType: root.oneOf('mediaType', ['application/vnd.dev.sigstore.trustedroot+json;version=0.1']),
    tlogs: root.list('tlogs').map(readLog),
    certificateAuthorities: root.list('certificateAuthorities').map(readAuthority),
    ctlogs: root.list('ctlogs').map(readLog),
    timestampAuthorities: root.list('timestampAuthorities').map(readAuthority),
  };
}

function readLog(log: SecretReader): TransparencyLogJson {
  const publicKey = log.object('publicKey');
  return {
    baseUrl: log.text('baseUrl'),
    hashAlgorithm: log.oneOf('hashAlgorithm', ['SHA2_256']),
    publicKey: {
      rawBytes: publicKey.text('rawBytes'),
      keyDetails: publicKey.oneOf('keyDetails', ['PKIX_ED25519', 'PKIX_ECDSA_P256_SHA_256']),
      validFor: readPeriod(publicKey.object('validFor')),
    },
    logId: { keyId: log.object('logId').text('keyId') },
    ...(log.has('checkpointKeyId') && {
      checkpointKeyId: { keyId: log.object('checkpointKeyId').text('keyId') },
    }),
  };
}

function readAuthority(authority: SecretReader): CertificateAuthorityJson {
  const subject = authority.object('subject');
  return {
    subject: { organization: subject.text('organization'), commonName: subject.text('commonName') },
    uri: authority.text('uri'),
    certChain: {
      certificates: authority
        .object('certChain')
        .list('certificates')
        .map((certificate) => ({ rawBytes: certificate.text('rawBytes') })),
    },
    validFor: readPeriod(authority.object('validFor')),
  };
}

function readPeriod(period: SecretReader): ValidForJson {
  return { start: period.text('start'), ...(period.has('end') && { end: period.text('end') }) };
}
