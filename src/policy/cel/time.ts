/**
 * Calendar fields of a timestamp. The engine computes them through the process's own time zone, so that
 * `timestamp("2026-03-08T02:30:00Z").getHours()` is 3 where that hour is skipped; a decision must not depend on where
 * it is made. Everything here goes through UTC.
 */

/** A moment shifted so that its UTC fields are the fields of the local time asked for. */
type LocalTime = Date;

const millisecondsPerDay = 86_400_000;

/** CEL's timestamp accessors (langdef, "Abstract types"): months, days of month, week and year count from 0. */
export const calendarFields: ReadonlyMap<string, (time: LocalTime) => number> = new Map([
  ['getFullYear', (time: LocalTime) => time.getUTCFullYear()],
  ['getMonth', (time) => time.getUTCMonth()],
  ['getDate', (time) => time.getUTCDate()],
  ['getDayOfMonth', (time) => time.getUTCDate() - 1],
  ['getDayOfWeek', (time) => time.getUTCDay()],
  ['getDayOfYear', dayOfYear],
  ['getHours', (time) => time.getUTCHours()],
  ['getMinutes', (time) => time.getUTCMinutes()],
  ['getSeconds', (time) => time.getUTCSeconds()],
  ['getMilliseconds', (time) => time.getUTCMilliseconds()],
]);

function dayOfYear(time: LocalTime): number {
  const newYear = new Date(0);
  newYear.setUTCFullYear(time.getUTCFullYear(), 0, 1);
  return Math.floor((time.getTime() - newYear.getTime()) / millisecondsPerDay);
}

/** `milliseconds` since 1970 in `zone`: nothing for UTC, `+02:00`, or an IANA name. Throws RangeError for others. */
export function localTime(milliseconds: number, zone: string | undefined): LocalTime {
  if (zone === undefined) return new Date(milliseconds);
  const fixed = /^([+-]?)(\d\d):(\d\d)$/.exec(zone);
  if (fixed === null) return namedZoneTime(milliseconds, zone);
  const minutes = Number(fixed[2]) * 60 + Number(fixed[3]);
  return new Date(milliseconds + (fixed[1] === '-' ? -minutes : minutes) * 60_000);
}

const formats = new Map<string, Intl.DateTimeFormat>();

/** Conditions name zones by literals only, so the map is as small as the policy. */
function formatOf(zone: string): Intl.DateTimeFormat {
  let format = formats.get(zone);
  if (format === undefined) {
    format = new Intl.DateTimeFormat('en-US-u-ca-gregory-nu-latn', {
      timeZone: zone,
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    });
    formats.set(zone, format);
  }
  return format;
}

function namedZoneTime(milliseconds: number, zone: string): LocalTime {
  const fields: Record<string, number> = {};
  for (const { type, value } of formatOf(zone).formatToParts(milliseconds)) fields[type] = Number(value);
  const { year = NaN, month = NaN, day = NaN, hour = NaN, minute = NaN, second = NaN } = fields;
  const local = new Date(0);
  local.setUTCFullYear(year, month - 1, day);
  local.setUTCHours(hour, minute, second, ((milliseconds % 1000) + 1000) % 1000);
  if (Number.isNaN(local.getTime())) throw new RangeError('no such local time');
  return local;
}
