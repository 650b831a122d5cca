import type { Attribute } from './principal.ts';

/** What was observed at `now`, wall milliseconds. */
export function attribute<T>(value: T, source: string, now: number, verified = true): Attribute<T> {
  return { value, source, verified, observedAt: new Date(now).toISOString() };
}
