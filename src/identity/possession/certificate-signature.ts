import { concatBytes } from '../../call/bytes.ts';
import { DerReader, tag } from '../../pki/der.ts';
import { decodeInteger, decodeOid } from '../../pki/der-values.ts';
import { oids } from '../../pki/oids.ts';
import type { Certificate } from '../../pki/parse-certificate.ts';

/** What certificates are signed with: ECDSA on P-256 and P-384, RSA PKCS #1 v1.5, with SHA-2. */
const signatures: Readonly<Record<string, { readonly family: 'EC' | 'RSA'; readonly hash: string }>> = {
  [oids.ecdsaWithSha256]: { family: 'EC', hash: 'SHA-256' },
  [oids.ecdsaWithSha384]: { family: 'EC', hash: 'SHA-384' },
  [oids.sha256WithRsa]: { family: 'RSA', hash: 'SHA-256' },
  [oids.sha384WithRsa]: { family: 'RSA', hash: 'SHA-384' },
  [oids.sha512WithRsa]: { family: 'RSA', hash: 'SHA-512' },
};

const curves: Readonly<Record<string, { readonly name: string; readonly bytes: number }>> = {
  [oids.prime256v1]: { name: 'P-256', bytes: 32 },
  [oids.secp384r1]: { name: 'P-384', bytes: 48 },
};

const rsaBits = { least: 2_048, most: 8_192 };

/** Whether the key of `issuer` made the signature of `certificate`. Never throws: what cannot be checked was not made. */
export async function isSignedBy(certificate: Certificate, issuer: Certificate): Promise<boolean> {
  const signature = signatures[certificate.signatureAlgorithm];
  if (signature === undefined) return false;
  try {
    return signature.family === 'EC'
      ? await isEcdsa(certificate, issuer, signature.hash)
      : await isRsa(certificate, issuer, signature.hash);
  } catch {
    return false;
  }
}

async function isEcdsa(
  { tbs, signature }: Certificate,
  { spki }: Certificate,
  hash: string,
): Promise<boolean> {
  const { algorithm, parameters } = keyAlgorithm(spki);
  const curve =
    algorithm === oids.ecPublicKey && parameters?.tag === tag.oid && curves[decodeOid(parameters)];
  if (!curve) return false;
  const usage = { name: 'ECDSA', namedCurve: curve.name };
  const key = await crypto.subtle.importKey('spki', exact(spki), usage, false, ['verify']);
  return crypto.subtle.verify({ name: 'ECDSA', hash }, key, rawSignature(signature, curve.bytes), exact(tbs));
}

async function isRsa({ tbs, signature }: Certificate, { spki }: Certificate, hash: string): Promise<boolean> {
  if (keyAlgorithm(spki).algorithm !== oids.rsaEncryption) return false;
  const usage = { name: 'RSASSA-PKCS1-v1_5', hash };
  const key = await crypto.subtle.importKey('spki', exact(spki), usage, false, ['verify']);
  const { modulusLength } = key.algorithm as { readonly modulusLength?: number };
  if (modulusLength === undefined || modulusLength < rsaBits.least || modulusLength > rsaBits.most)
    return false;
  return crypto.subtle.verify(usage, key, exact(signature), exact(tbs));
}

function keyAlgorithm(spki: Uint8Array) {
  const algorithm = new DerReader(spki).enter(tag.sequence).enter(tag.sequence);
  return {
    algorithm: decodeOid(algorithm.read(tag.oid)),
    parameters: algorithm.done ? undefined : algorithm.next(),
  };
}

/** `r ‖ s` of an `Ecdsa-Sig-Value` (RFC 3279 §2.2.3), as WebCrypto takes it. */
function rawSignature(der: Uint8Array, bytes: number): Uint8Array<ArrayBuffer> {
  const outer = new DerReader(der);
  const pair = outer.enter(tag.sequence);
  outer.end();
  const numbers = [pair.read(tag.integer), pair.read(tag.integer)].map((element) => {
    const digits = decodeInteger(element);
    const plain = digits[0] === 0 ? digits.subarray(1) : digits;
    if ((digits[0] ?? 0x80) >= 0x80 || plain.length > bytes) throw new RangeError('no number of this curve');
    return concatBytes(new Uint8Array(bytes - plain.length), plain);
  });
  pair.end();
  return concatBytes(...numbers);
}

/** WebCrypto's types want a view over an `ArrayBuffer`, not one that may be shared. */
function exact(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return bytes.buffer instanceof ArrayBuffer ? (bytes as Uint8Array<ArrayBuffer>) : new Uint8Array(bytes);
}
