import { bitString, sequence, smallInteger, tlv } from './der-write.ts';
import { tag } from './der.ts';
import { ecdsaWithSha256 } from './certificate-parts.ts';
import type { Signer } from './signer.ts';

/** A certificate request (PKCS#10, RFC 2986), DER, for a P-256 key. It asks for no name: who it is for is shown otherwise. */
export async function writeCertificateRequest(signer: Signer): Promise<Uint8Array> {
  const info = sequence(smallInteger(0), sequence(), signer.publicKey, tlv(tag.context(0)));
  return sequence(info, ecdsaWithSha256, bitString(await signer.sign(info)));
}
