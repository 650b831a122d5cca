import type { AmbiguityKind } from './json-node.ts';

/** Every integer of up to so many digits is a double. */
export const exactDigits = 15;

/**
 * Whether a double stands for the number that was written. `lexeme` is a number by RFC 8259's grammar, `value` what
 * ECMAScript makes of it, `integer` whether it has neither fraction nor exponent.
 *
 * Only such integers must be held exactly: `1e23` and `0.1` are no doubles either, but every parser reads them as the
 * nearest one, while big integers are kept exactly by some (Python, Go with `UseNumber`) and rounded by others.
 */
export function numberAmbiguity(lexeme: string, value: number, integer: boolean): AmbiguityKind | undefined {
  if (!Number.isFinite(value)) return 'number-overflow';
  if (value === 0) return isWrittenAsZero(lexeme) ? undefined : 'number-underflow';
  if (integer && lexeme.length > exactDigits && BigInt(lexeme) !== BigInt(value)) return 'inexact-integer';
  return undefined;
}

/** Whether all digits before an exponent are zero. */
function isWrittenAsZero(lexeme: string): boolean {
  return !/^[^eE]*[1-9]/.test(lexeme);
}
