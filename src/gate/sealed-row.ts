import { canonicalJson } from '../call/canonical-json.ts';
import { saltLength } from '../call/commitment.ts';
import { base64, concatBytes, fromBase64, fromUtf8, hex, sha256, utf8 } from '../call/sha256.ts';
import { CountersignError } from '../errors.ts';
import type { SideRow } from '../ledger/ledger.ts';
import type { HpkeContext, HpkeKey, HpkeRecipient, HpkeSealed } from '../pki/hpke.ts';

/**
 * A sealed row: salt and value of a commitment, encrypted to a public key of the policy's (RFC 9180, base mode). Its value is
 * the canonical JSON of `{kem, kdf, aead, recipient, enc, ciphertext}`: the suite's numbers, the SHA-256 of the public key, and
 * base64. What is inside is the salt's 16 bytes and then the value.
 */

const prefix = 'sealed:';

/** The one who could swap two ciphertexts in the store must not be able to: each opens for its call and its field alone. */
function contextOf(callId: string, name: string): HpkeContext {
  return {
    info: utf8('countersign side row v1'),
    aad: utf8(canonicalJson({ callId, name })),
  };
}

/** Rejects with SEALING_FAILED. */
export async function sealRow(callId: string, row: SideRow, recipient: HpkeRecipient): Promise<SideRow> {
  const { name, salt, value = new Uint8Array() } = row;
  try {
    // Loaded when a policy first asks for it: no other gate pays for it at its start.
    const { hpkeSeal } = await import('../pki/hpke.ts');
    const sealed = await hpkeSeal(recipient, concatBytes(salt, value), contextOf(callId, name));
    return { name: prefix + name, salt: new Uint8Array(), value: documentOf(sealed, recipient) };
  } catch (error) {
    throw new CountersignError(
      'SEALING_FAILED',
      'The plaintext of the call could not be encrypted as policy says.',
      { cause: error },
    );
  }
}

function documentOf(sealed: HpkeSealed, { publicKey }: HpkeRecipient): Uint8Array {
  const { kem, kdf, aead, enc, ciphertext } = sealed;
  return utf8(
    canonicalJson({
      kem,
      kdf,
      aead,
      recipient: hex(sha256(publicKey)),
      enc: base64(enc),
      ciphertext: base64(ciphertext),
    }),
  );
}

/** The row as it was before it was sealed; undefined when the key does not open it. */
export async function unsealRow(callId: string, row: SideRow, key: HpkeKey): Promise<SideRow | undefined> {
  const name = row.name.slice(prefix.length);
  const sealed = sealedOf(row);
  if (sealed === undefined) return undefined;
  const { hpkeOpen } = await import('../pki/hpke.ts');
  const opened = await hpkeOpen(key, sealed, contextOf(callId, name));
  if (opened === undefined || opened.length < saltLength) return undefined;
  const [salt, value] = [opened.slice(0, saltLength), opened.slice(saltLength)];
  // Every value is JSON text of at least one byte.
  return { name, salt, ...(value.length > 0 && { value }) };
}

export function sealedName(name: string): string {
  return prefix + name;
}

function sealedOf({ value }: SideRow): HpkeSealed | undefined {
  const document = JSON.parse(fromUtf8(value ?? new Uint8Array()) ?? 'null') as Record<
    string,
    unknown
  > | null;
  const { kem, kdf, aead, enc, ciphertext } = document ?? {};
  const [encBytes, ciphertextBytes] = [bytesOf(enc), bytesOf(ciphertext)];
  if (typeof kem !== 'number' || typeof kdf !== 'number' || typeof aead !== 'number') return undefined;
  if (encBytes === undefined || ciphertextBytes === undefined) return undefined;
  return { kem, kdf, aead, enc: encBytes, ciphertext: ciphertextBytes };
}

function bytesOf(value: unknown): Uint8Array | undefined {
  return typeof value === 'string' ? fromBase64(value) : undefined;
}
