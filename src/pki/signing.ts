import { toCountersignError } from '../errors.ts';
import type { Signer } from './signer.ts';

/**
 * `next(value)`, at once when `value` is there already: a synchronous signer keeps its whole caller synchronous, as a
 * transaction that must not wait needs it.
 */
export function whenSettled<T, U>(value: T | Promise<T>, next: (value: T) => U | Promise<U>): U | Promise<U> {
  return value instanceof Promise ? value.then(next) : next(value);
}

/** `signer.sign(data)`; whatever it throws or rejects with becomes SIGNING_FAILED. */
export function signOrFail(signer: Signer, data: Uint8Array): Uint8Array | Promise<Uint8Array> {
  const fail = (thrown: unknown): never => {
    throw toCountersignError(thrown, 'SIGNING_FAILED', 'a signing key could not sign');
  };
  try {
    const signature = signer.sign(data);
    return signature instanceof Promise ? signature.catch(fail) : signature;
  } catch (thrown) {
    return fail(thrown);
  }
}
