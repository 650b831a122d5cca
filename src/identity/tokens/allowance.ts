export interface AllowanceOptions {
  /** So many after a quiet time, */
  readonly atOnce: number;
  /** and one more each time that so many milliseconds have passed; */
  readonly everyMs: number;
  /** but no two of them closer to each other than this. */
  readonly apartMs: number;
}

/** How often something may be done that strangers can ask for. */
export interface Allowance {
  /** Whether it may be done now; then it counts as done. `now` is wall milliseconds. */
  take(now: number): boolean;
}

/** At most `atOnce + t / everyMs` in any time `t`. */
export function createAllowance({ atOnce, everyMs, apartMs }: AllowanceOptions): Allowance {
  /** By when everything that was taken is made up for. */
  let settledAt = -Infinity;
  let takenAt = -Infinity;
  return {
    take(now) {
      // Never further ahead than when nothing is left: a clock that was set back must not lock everybody out.
      settledAt = Math.min(Math.max(settledAt, now), now + atOnce * everyMs);
      if (settledAt - now > (atOnce - 1) * everyMs || Math.abs(now - takenAt) < apartMs) return false;
      settledAt += everyMs;
      takenAt = now;
      return true;
    },
  };
}
