import { CountersignError } from '../../errors.ts';
import { defaultLeafLifetime } from '../../pki/identity-keeper.ts';
import { issueLeaf } from '../../pki/leaf.ts';
import type { Signer, SigningIdentity } from '../../pki/signer.ts';
import type { Period } from './trusted-keys.ts';

/** Certificates start this long before they are issued, as whole seconds are all they can say. */
const startsEarlierMs = 1_000;

/** Who a gate is: what its home says of it. */
export interface GateName {
  readonly trustDomain: string;
  readonly gate: string;
  readonly issuerUrl: string;
}

export interface GateCertificateRequest {
  readonly name: GateName;
  /** P-256 key of the issuing CA, and its certificate, DER. */
  readonly ca: { readonly signer: Signer; readonly certificate: Uint8Array };
  /** P-256 key of the certificate transparency log. */
  readonly ct: Signer;
  /** When everything is valid that signs for this gate, the timestamp authority too. */
  readonly validFor: Period;
  /** Makes the gate's own key, which is certified and kept nowhere else. */
  readonly newKey: () => Signer | Promise<Signer>;
}

/**
 * A new key for the gate with its certificate, valid at `now` (wall milliseconds). Rejects with CERTIFICATE_NOT_VALID when the keys
 * that sign for the gate are not valid then, and with CONFIG_INVALID as `issueLeaf` does.
 */
export async function issueGateCertificate(
  { name, ca, ct, validFor, newKey }: GateCertificateRequest,
  now: number,
): Promise<SigningIdentity> {
  if (now < validFor.start || now > validFor.end) throw ended();
  const signer = await newKey();
  const notBefore = now - startsEarlierMs;
  // What is signed after the end of one of its keys would be refused by every verifier.
  const notAfter = Math.min(notBefore + defaultLeafLifetime, validFor.end);
  const certificate = await issueLeaf({
    caSigner: ca.signer,
    caCertificate: ca.certificate,
    ctSigner: ct,
    spiffeUri: gateSpiffeId(name),
    issuerUrl: name.issuerUrl,
    publicKey: signer.publicKey,
    notBefore,
    notAfter,
    now,
  });
  return { signer, certificate, issuer: ca.certificate, notBefore, notAfter };
}

/** The one name in every signing certificate of a gate. */
export function gateSpiffeId({ trustDomain, gate }: Pick<GateName, 'trustDomain' | 'gate'>): string {
  return `spiffe://${trustDomain}/gate/${gate}`;
}

function ended(): CountersignError {
  return new CountersignError(
    'CERTIFICATE_NOT_VALID',
    'The trust root says that the keys of this gate are not valid now: they were rotated elsewhere, or the clock is wrong.',
  );
}
