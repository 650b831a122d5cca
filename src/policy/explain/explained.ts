import type { CelValue } from '../cel/values.ts';
import type { ShownValue } from './shown-value.ts';

/**
 * Why there is no value: a root that the call does not have, a key that is not there, a value of the wrong kind, one of the right
 * kind that will not do (`int("x")`, division by zero), or more work than a decision may take.
 */
export type Why = 'absent' | 'missing' | 'kind' | 'value' | 'steps';

/** A sub-expression, what it came to, and what it is made of, in the order of the source. */
export type Explained = {
  readonly text: string;
  /** What is decided does not hang on it: `false && …`, the branch that was not taken. */
  readonly needed: boolean;
  readonly parts: readonly Explained[];
  readonly macro?: ExplainedMacro;
} & (ShownValue | { readonly error: Why });

export interface ExplainedMacro {
  /** Elements that were walked over. */
  readonly of: number;
  /** The element that decided, by index or key; absent where no single one did. */
  readonly element?: { readonly at: number | string; readonly shown: ShownValue; readonly body: Explained };
}

/** What an expression came to. */
export type Found = { readonly value: CelValue } | { readonly error: Why };
