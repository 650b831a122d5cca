import { base64, fromBase64 } from '../call/bytes.ts';

/** Text of DER (RFC 7468), in its strict form: base64 without anything between its lines, no headers, no text around. */

export type PemLabel = 'CERTIFICATE' | 'CERTIFICATE REQUEST' | 'PRIVATE KEY';

/** Blocks of one label or of several, each with its DER; undefined for text that is anything else too. */
export function parsePem(text: string): readonly PemBlock[] | undefined {
  const blocks: PemBlock[] = [];
  let at = 0;
  while (at < text.length) {
    block.lastIndex = at;
    const found = block.exec(text);
    if (found === null) return undefined;
    const [whole, label = '', body = ''] = found;
    const der = fromBase64(body.replaceAll(/[\r\n]/g, ''));
    if (der === undefined || der.length === 0) return undefined;
    blocks.push({ label, der });
    at += whole.length;
  }
  return blocks;
}

export interface PemBlock {
  readonly label: string;
  readonly der: Uint8Array;
}

const block =
  /\s*-----BEGIN ([A-Z ]{1,40})-----\r?\n((?:[A-Za-z0-9+/=]{1,76}\r?\n)+)-----END \1-----(?:\r?\n|$)\s*/y;

export function toPem(label: PemLabel, der: Uint8Array): string {
  const lines = base64(der).match(/.{1,64}/g) ?? [];
  return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ''].join('\n');
}
