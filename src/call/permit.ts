import type { Call } from './call.ts';

declare const permitBrand: unique symbol;

/**
 * The in-memory capability to execute one call. It exists only once the call's ALLOW is durable in the log, is used
 * once, and is dispatched before `dispatchBefore`.
 */
export interface Permit {
  readonly [permitBrand]: true;
  readonly call: Call;
  /** Monotonic milliseconds (`performance.now()`), and wall milliseconds; whichever ends first. */
  readonly dispatchBefore: { readonly monotonic: number; readonly wall: number };
  /** Wall milliseconds at which the lease ends, at the latest. */
  readonly leaseEnds: number;
}

const unused = new WeakSet<Permit>();

/** Only `gate/record.ts` may import this (a test holds it). */
export function mintPermit(fields: Pick<Permit, 'call' | 'dispatchBefore' | 'leaseEnds'>): Permit {
  const permit = Object.freeze({ ...fields }) as Permit;
  unused.add(permit);
  return permit;
}

/** Uses the permit up. False when it is not genuine or was used before. */
export function redeemPermit(permit: Permit): boolean {
  return unused.delete(permit);
}
