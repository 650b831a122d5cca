import type { ReasonCode } from './names.ts';

/**
 * The one error of this project. `code` is stable and for machines; `message` is a sentence for people that says
 * what was wrong and, where there is one, what to do next. It never contains a secret or a call's plaintext.
 */
export class CountersignError extends Error {
  readonly code: ReasonCode;

  constructor(code: ReasonCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'CountersignError';
    this.code = code;
  }
}

/** Any thrown value as a `CountersignError`; what is not one already becomes `fallback` with a fixed sentence. */
export function toCountersignError(thrown: unknown, fallback: ReasonCode, message: string): CountersignError {
  return thrown instanceof CountersignError
    ? thrown
    : new CountersignError(fallback, message, { cause: thrown });
}

/** The system's code of a failure (`ENOENT`): in a sentence, or to tell failures apart. `unknown` where it has none. */
export function systemCode(thrown: unknown): string {
  return thrown instanceof Error && 'code' in thrown ? String(thrown.code) : 'unknown';
}
