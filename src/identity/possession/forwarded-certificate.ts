import { fromBase64 } from '../../call/bytes.ts';
import { CountersignError } from '../../errors.ts';
import type { NetworkMap } from '../network.ts';
import type { Peer } from '../principal.ts';

/** A client's certificate, DER, and what came with it. Whom it chains to is not decided yet. */
export interface PresentedCertificate {
  readonly certificate: Uint8Array;
  readonly chain: readonly Uint8Array[];
}

/** Characters of a header, and certificates in one. */
const maxHeader = 65_536;
const maxChain = 8;

/**
 * The certificate of whoever asks: that of the connection, or where a trusted proxy is at its other end, what that says in
 * `Client-Cert` and `Client-Cert-Chain` (RFC 9440) of the connection before it. A proxy's own certificate is never its client's.
 * From anybody else these headers are worth nothing.
 *
 * @throws CountersignError `CERTIFICATE_MALFORMED` for headers of a trusted proxy that are not of this form.
 */
export function presentedCertificate(
  peer: Peer,
  network: Pick<NetworkMap, 'isTrustedProxy'> | undefined,
): PresentedCertificate | undefined {
  if (network?.isTrustedProxy(peer) === true)
    return forwardedCertificate(peer.forwardedCertificate, peer.forwardedChain);
  return peer.certificate && { certificate: peer.certificate, chain: peer.chain ?? [] };
}

/** Reads both headers (RFC 9440 §2.2, §2.3). Throws CERTIFICATE_MALFORMED. */
export function forwardedCertificate(
  header: string | undefined,
  chainHeader: string | undefined,
): PresentedCertificate | undefined {
  if (header === undefined) return undefined;
  return {
    certificate: readByteSequence(header),
    chain: chainHeader === undefined ? [] : readByteSequences(chainHeader),
  };
}

/** An Item that is a Byte Sequence (RFC 9651 §3.3.5), without parameters: RFC 9440 has none. */
function readByteSequence(text: string): Uint8Array {
  if (text.length > maxHeader) throw malformed('is too long');
  const [, encoded] = /^ *:([A-Za-z0-9+/]+={0,2}): *$/.exec(text) ?? [];
  const bytes = encoded === undefined ? undefined : fromBase64(encoded);
  if (bytes === undefined) throw malformed('is no byte sequence of a structured field');
  return bytes;
}

/** A List of them. */
function readByteSequences(text: string): readonly Uint8Array[] {
  if (text.length > maxHeader) throw malformed('is too long');
  const members = text.split(',', maxChain + 1);
  if (members.length > maxChain) throw malformed(`has more than ${maxChain} certificates`);
  return members.map((member) => readByteSequence(member.replaceAll('\t', ' ')));
}

function malformed(what: string): CountersignError {
  return new CountersignError('CERTIFICATE_MALFORMED', `The certificate that a proxy names ${what}.`);
}
