import { createCertificateVerifier } from '../../identity/possession/certificate.ts';
import { fromBase64 } from '../../call/bytes.ts';
import { CountersignError } from '../../errors.ts';
import type { Evidence } from '../../identity/evidence.ts';
import type { CertificatesConfig } from './certificates-schema.ts';

const isPem = (authority: string): boolean => authority.trimStart().startsWith('-----BEGIN ');

/** Those authorities of `identity.certificates` that are files. */
export function authorityFiles({ agents, devices }: CertificatesConfig): readonly string[] {
  return [...agents, ...devices].map(({ authority }) => authority).filter((authority) => !isPem(authority));
}

/**
 * Compiles `identity.certificates`. `read` gives the PEM in a file, and throws CONFIG_INVALID where it cannot.
 *
 * @throws CountersignError `CONFIG_INVALID`
 */
export function declareCertificates(
  { agents, devices }: CertificatesConfig,
  read: (file: string) => string,
): Pick<Evidence, 'certificates'> {
  if (agents.length + devices.length === 0) return {};
  const rootsOf = (authority: string): readonly Uint8Array[] =>
    isPem(authority)
      ? certificatesIn(authority, 'The PEM of an authority')
      : certificatesIn(read(authority), `The authority ${authority}`);
  return {
    certificates: createCertificateVerifier({
      agents: agents.map(({ authority, trustDomain, tenant }) => ({
        roots: rootsOf(authority),
        trustDomain,
        ...(tenant !== undefined && { tenant }),
      })),
      devices: devices.map(({ authority, ...device }) => ({ roots: rootsOf(authority), ...device })),
    }),
  };
}

const block = /-----BEGIN ([A-Z0-9 ]+)-----([^-]*)-----END \1-----/g;

/** Every certificate of a PEM text (RFC 7468). A file with a private key in it is not one that should be read here. */
function certificatesIn(pem: string, what: string): readonly Uint8Array[] {
  const blocks = [...pem.matchAll(block)];
  if (blocks.length === 0 || blocks.some(([, label]) => label !== 'CERTIFICATE'))
    throw unusable(`${what} is no PEM with certificates and nothing else`);
  return blocks.map(([, , body = '']) => {
    const der = fromBase64(body.replaceAll(/\s/g, ''));
    if (der === undefined) throw unusable(`${what} has a certificate that is not base64`);
    return der;
  });
}

function unusable(why: string): CountersignError {
  return new CountersignError('CONFIG_INVALID', `identity.certificates: ${why}.`);
}
