import { forwardedCertificate } from '../../identity/possession/forwarded-certificate.ts';
import type { HttpBindings } from '../../gateway/http/credentials.ts';

/**
 * What the platform says of a client certificate (https://developers.cloudflare.com/workers/runtime-apis/request/#incomingrequestcfproperties).
 * It stands beside the request, where no header reaches.
 */
interface TlsClientAuth {
  readonly certPresented?: unknown;
  readonly certVerified?: unknown;
  readonly certRevoked?: unknown;
  /** The certificate and what came with it, as `Client-Cert` and `Client-Cert-Chain` would have them; empty when they are too long. */
  readonly certRFC9440?: unknown;
  readonly certChainRFC9440?: unknown;
}

/**
 * Who is at the other end of a connection to the platform, as the platform says. It sets `CF-Connecting-IP` itself, whatever the
 * client sent. A certificate that it has not verified, or knows to be revoked, is none; whom it chains to is decided again by ours.
 */
export function peerOf(request: Request): NonNullable<HttpBindings['peer']> {
  const address = { address: request.headers.get('cf-connecting-ip') ?? undefined };
  const { cf } = request as { readonly cf?: { readonly tlsClientAuth?: TlsClientAuth } };
  return { ...address, ...certificateIn(cf?.tlsClientAuth ?? {}) };
}

function certificateIn(
  told: TlsClientAuth,
): Pick<NonNullable<HttpBindings['peer']>, 'certificate' | 'chain'> {
  const { certPresented, certVerified, certRevoked, certRFC9440: leaf, certChainRFC9440: chain } = told;
  if (certPresented !== '1' || certVerified !== 'SUCCESS' || certRevoked !== '0') return {};
  if (typeof leaf !== 'string' || leaf === '') return {};
  try {
    return forwardedCertificate(leaf, typeof chain === 'string' && chain !== '' ? chain : undefined) ?? {};
  } catch {
    return {};
  }
}
