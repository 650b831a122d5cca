import type { VerifiedEntry } from '../verify/entry.ts';
import { clockTolerance } from '../verify/limits.ts';
import { parseUtc } from '../verify/rfc3339.ts';
import type { Faults } from './faults.ts';

/** Follows the log's time, as its entries are stamped. */
export interface TimeAudit {
  see(entry: VerifiedEntry): void;
  /** Wall milliseconds of the earliest and the latest stamp; undefined while there was none. */
  readonly period: { readonly first: number; readonly last: number } | undefined;
  /** The latest stamp that is known, also from before the first entry that was seen. */
  readonly lastTime: number | undefined;
}

/** A log takes entries that lie 5 s behind its last time; stamps are whole seconds. */
const backwardsTolerance = 6_000;

/** The time that a statement states of itself, by kind; verdicts and outcomes are held to it with every envelope. */
const statedTimes: Readonly<Record<string, string>> = {
  sessionOpen: 'openedAt',
  sessionClose: 'closedAt',
  logOpen: 'openedAt',
  change: 'changedAt',
  refusals: 'until',
  keyEvent: 'occurredAt',
  approval: 'answeredAt',
};

/** `lastTime`: the latest stamp of the entries before, where somebody remembers it. */
export function followTime(faults: Faults, lastTime?: number): TimeAudit {
  let first: number | undefined;
  let last = lastTime ?? -Infinity;

  return {
    see(entry) {
      const { time } = entry.stamp;
      const { index } = entry.place;
      if (time < last - backwardsTolerance) {
        const message = `It was stamped ${Math.round((last - time) / 1_000)} s before an entry that stands before it.`;
        faults.add({ code: 'LOG_TIME_BACKWARDS', index, message });
      }
      first = Math.min(first ?? time, time);
      last = Math.max(last, time);
      requireOwnTime(entry, faults);
    },
    get period() {
      return first === undefined ? undefined : { first, last };
    },
    get lastTime() {
      return last === -Infinity ? undefined : last;
    },
  };
}

function requireOwnTime({ statement, stamp, place }: VerifiedEntry, faults: Faults): void {
  const field = statedTimes[statement.kind ?? ''];
  if (field === undefined) return;
  const value = statement.predicate[field];
  const stated = typeof value === 'string' ? parseUtc(value) : undefined;
  if (stated !== undefined && Math.abs(stated - stamp.time) <= clockTolerance) return;
  faults.add({
    code: 'TIME_CONTRADICTION',
    index: place.index,
    message: `What it states as ${field} is not the time at which it was stamped.`,
  });
}
