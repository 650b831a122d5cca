import { readFileSync } from 'node:fs';
import { base64 } from './case.ts';
import type { SignatureCase } from './subject.ts';

interface Vectors {
  readonly testGroups: readonly {
    readonly publicKeyDer: string;
    readonly tests: readonly { readonly tcId: number; readonly msg: string; readonly sig: string }[];
  }[];
}

/** Wycheproof's signatures: what each runtime's own ECDSA and Ed25519 make of them, behind our checks. */
export function wycheproofCases(): SignatureCase[] {
  return [...casesOf('ecdsa_secp256r1_sha256_test.json', 'p256'), ...casesOf('ed25519_test.json', 'ed25519')];
}

function casesOf(file: string, algorithm: SignatureCase['algorithm']): SignatureCase[] {
  const text = readFileSync(new URL(`../../vectors/wycheproof/${file}`, import.meta.url), 'utf8');
  const bytes = (hex: string): string => base64(Buffer.from(hex, 'hex'));
  return (JSON.parse(text) as Vectors).testGroups.flatMap(({ publicKeyDer, tests }) =>
    tests.map(({ tcId, msg, sig }) => ({
      title: `${file} ${tcId}`,
      algorithm,
      spki: bytes(publicKeyDer),
      message: bytes(msg),
      signature: bytes(sig),
    })),
  );
}
