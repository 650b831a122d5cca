import { sameRecipient, type Recipient } from './recipient.ts';

/** What becomes of one field's value and salt in the side store. */
export type Treatment =
  /** Value and salt are kept. */
  | { readonly kind: 'keep' }
  /** The salt is kept, the value is not: whoever holds the value can still open the commitment. */
  | { readonly kind: 'redact' }
  /** Value and salt are sealed: the recipient alone can open the commitment. */
  | { readonly kind: 'encrypt'; readonly recipient: Recipient }
  /** Neither is kept: nothing that is stored can ever open the commitment. */
  | { readonly kind: 'drop' };

export const keep: Treatment = Object.freeze<Treatment>({ kind: 'keep' });
export const redact: Treatment = Object.freeze<Treatment>({ kind: 'redact' });
export const drop: Treatment = Object.freeze<Treatment>({ kind: 'drop' });

/**
 * What satisfies both: their greatest lower bound, so that neither the order of rules nor that of fields matters. A value
 * that one says is for a recipient alone, and another says is not to be kept or is for somebody else, is dropped with its
 * salt: a salt beside what else is known would let a short value be guessed.
 */
export function strictest(a: Treatment, b: Treatment): Treatment {
  if (a.kind === 'keep') return b;
  if (b.kind === 'keep') return a;
  if (a.kind === 'redact' && b.kind === 'redact') return redact;
  if (a.kind === 'encrypt' && b.kind === 'encrypt' && sameRecipient(a.recipient, b.recipient)) return a;
  return drop;
}
