import { usage } from './report.ts';

const form = /^\d{4}-\d\d-\d\d(?:T\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d))?$/;

/** `--since`: a day in UTC, or a time that says its zone, as wall milliseconds. */
export function sinceOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const time = form.test(text) && isDay(text.slice(0, 10)) ? Date.parse(text) : Number.NaN;
  if (!Number.isNaN(time)) return time;
  throw usage('--since takes a day or a time, as in 2026-01-31 or 2026-01-31T12:00:00Z.');
}

/** The 31st of February is read as a day of March. */
function isDay(text: string): boolean {
  const time = Date.parse(text);
  return !Number.isNaN(time) && new Date(time).toISOString().startsWith(text);
}
