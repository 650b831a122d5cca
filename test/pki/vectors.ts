import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';

/** Files of `test/vectors/envelope/`: see the README there. */
export function vector(name: string): Uint8Array {
  return new Uint8Array(readFileSync(new URL(`../vectors/envelope/${name}`, import.meta.url)));
}

export function vectorJson(name: string): unknown {
  return JSON.parse(new TextDecoder().decode(vector(name)));
}

/** DER of a certificate among them. */
export function vectorCertificate(name: string): Uint8Array {
  return new Uint8Array(new X509Certificate(vector(name)).raw);
}
