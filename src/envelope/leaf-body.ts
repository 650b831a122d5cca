import { base64, fromBase64, fromUtf8, utf8 } from '../call/bytes.ts';
import { base64Of } from './base64-of.ts';

/** What the log knows of a statement: nothing of the call. */
export interface LeafBody {
  /** SHA-256 of the DSSE pre-authentication encoding. */
  readonly paeSha256: Uint8Array;
  /** DER ECDSA. */
  readonly signature: Uint8Array;
  /** Signing certificate, DER. */
  readonly certificate: Uint8Array;
}

/** The same in base64. */
export type LeafBodyTexts = { readonly [Field in keyof LeafBody]: string };

/**
 * The Merkle leaf: a Rekor v2 `hashedrekord` 0.0.2 body in canonical JSON (RFC 8785). Verifiers build it anew from the
 * envelope, so every byte counts; base64 needs no escaping, and the members are written in canonical order.
 */
export function leafBody({ paeSha256, signature, certificate }: LeafBody): Uint8Array<ArrayBuffer> {
  return utf8(
    '{"apiVersion":"0.0.2","kind":"hashedrekord","spec":{"hashedRekordV002":{' +
      `"data":{"algorithm":"SHA2_256","digest":"${base64(paeSha256)}"},` +
      `"signature":{"content":"${base64(signature)}","verifier":{"keyDetails":"PKIX_ECDSA_P256_SHA_256",` +
      `"x509Certificate":{"rawBytes":"${base64Of(certificate)}"}}}}}}`,
  );
}

const base64Text = '([A-Za-z0-9+/]+={0,2})';
const leafPattern = new RegExp(
  '^\\{"apiVersion":"0\\.0\\.2","kind":"hashedrekord","spec":\\{"hashedRekordV002":\\{' +
    `"data":\\{"algorithm":"SHA2_256","digest":"${base64Text}"\\},` +
    `"signature":\\{"content":"${base64Text}","verifier":\\{"keyDetails":"PKIX_ECDSA_P256_SHA_256",` +
    `"x509Certificate":\\{"rawBytes":"${base64Text}"\\}\\}\\}\\}\\}\\}$`,
);
const maxLeafBytes = 65_536;

/** The base64 texts in a leaf; undefined unless it is spelled exactly as `leafBody` spells it. */
export function leafBodyTexts(leaf: Uint8Array): LeafBodyTexts | undefined {
  if (leaf.length > maxLeafBytes) return undefined;
  const match = leafPattern.exec(fromUtf8(leaf) ?? '');
  const [, paeSha256, signature, certificate] = match ?? [];
  if (paeSha256 === undefined || signature === undefined || certificate === undefined) return undefined;
  return { paeSha256, signature, certificate };
}

/** The content of a leaf; undefined unless its bytes are exactly those that `leafBody` makes of it. */
export function parseLeafBody(leaf: Uint8Array): LeafBody | undefined {
  const texts = leafBodyTexts(leaf);
  const paeSha256 = texts && fromBase64(texts.paeSha256);
  const signature = texts && fromBase64(texts.signature);
  const certificate = texts && fromBase64(texts.certificate);
  if (paeSha256?.length !== 32 || signature === undefined || certificate === undefined) return undefined;
  return { paeSha256, signature, certificate };
}
